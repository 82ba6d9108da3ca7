import { execFile } from 'node:child_process'
import { cp, mkdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface User {
  readonly uid: number
  readonly gid: number
}

/** `nobody`: PostgreSQL refuses to run as root. Undefined: we are somebody else already. */
export function unprivilegedUser(): User | undefined {
  return process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined
}

async function isRunnable(home: string, user: User): Promise<boolean> {
  return run(join(home, 'bin', 'postgres'), ['--version'], { cwd: '/', ...user }).then(
    () => true,
    () => false,
  )
}

/**
 * A folder with PostgreSQL's programs that `user` may run: `home` itself, or a copy of it under
 * `scratch` where a parent of it is closed to others, as /root often is.
 */
export async function runnableHome(home: string, user: User, scratch: string): Promise<string> {
  if (await isRunnable(home, user)) return home

  const wheel = dirname(home)
  const copy = join(scratch, basename(wheel), basename(home))
  await mkdir(dirname(copy), { recursive: true })
  await cp(home, copy, { recursive: true })
  // The programs find libpq by a path relative to their own.
  const libs = `${basename(wheel)}.libs`
  await cp(join(dirname(wheel), libs), join(scratch, libs), { recursive: true })
  return copy
}
