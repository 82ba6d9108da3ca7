import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pipInstall } from '../../src/adapters/servers/pip.ts'

const home = resolve(import.meta.dirname, '../../.servers')

/** What is fetched or built once, and what it is made from. */
export interface Kept {
  /** Begins the name of its folder: what it is, and for which machine where that matters. */
  readonly name: string
  /** What is in these files ends it, as a digest: other content is another folder. */
  readonly madeFrom: readonly string[]
  /** Fills an empty folder. */
  readonly make: (target: string) => Promise<void>
}

/**
 * A folder in `.servers` as the servers' wheels have theirs: it appears in one rename, so it is
 * there as a whole or not at all, and two runs may race.
 */
export async function keptFolder({ madeFrom, make, name }: Kept): Promise<string> {
  const contents = await Promise.all(madeFrom.map((file) => readFile(file, 'utf8')))
  const digest = createHash('sha256').update(contents.join('\0')).digest('hex')
  const directory = join(home, `${name}-${digest.slice(0, 16)}`)
  if (await exists(directory)) return directory
  await mkdir(home, { recursive: true })
  const unfinished = await mkdtemp(join(home, 'installing-'))
  try {
    await make(unfinished)
    await rename(unfinished, directory)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (!(await exists(directory))) throw error // else another run was faster
  }
  return directory
}

/** The wheels of a requirements file, which pins them by their hashes; fetched once. */
export function keptWheels(name: string, requirementsFile: string): Promise<string> {
  return keptFolder({
    name,
    madeFrom: [requirementsFile],
    make: (target) =>
      pipInstall({ python: process.env['PYTHON'] ?? 'python3', requirementsFile, target }),
  })
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
