import { rename, stat } from 'node:fs/promises'
import { statOf } from './open-sink.ts'

/**
 * Moves FILE to FILE.1, FILE.1 to FILE.2 and so on; the last of `keep` files is overwritten. A FILE
 * that is no longer the one that is open was moved away by somebody else, and nothing is done.
 */
export async function rotateFiles(file: string, fd: number, keep: number): Promise<void> {
  if (!(await isStill(file, fd))) return
  for (let number = keep - 1; number >= 1; number -= 1) {
    await rename(`${file}.${number}`, `${file}.${number + 1}`).catch(unlessAbsent)
  }
  await rename(file, `${file}.1`)
}

async function isStill(file: string, fd: number): Promise<boolean> {
  const named = await stat(file).catch(unlessAbsent)
  const opened = await statOf(fd)
  return named?.ino === opened.ino && named.dev === opened.dev
}

function unlessAbsent(cause: unknown): undefined {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
}
