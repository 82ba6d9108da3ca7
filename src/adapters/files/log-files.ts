import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { AppError } from '../../domain/errors.ts'

/** A file of a log, as long as it was when it was opened. */
export interface LogFile {
  /** Its name when it was opened; a rotation may have given that to another one since. */
  readonly name: string
  /** Tells it from every other file, whatever its name. */
  readonly identity: string
  readonly size: number
  /** Reads so many bytes from an offset; rejects with `LogShrank` where they are gone. */
  readonly read: (offset: number, length: number) => Promise<Buffer>
  /** What is written at an offset, in short; undefined beyond the end. */
  readonly print: (offset: number) => Promise<string | undefined>
}

/** The file got shorter while it was read: `copytruncate` of logrotate. */
export class LogShrank extends Error {}

/** Rotated files that are looked at. */
const maxFiles = 100
/** Names that may be free in the middle: files are being renamed right now. */
const maxMissing = 2
/** A line of a decision is told from every other one by its id, which stands in these bytes. */
const printedBytes = 256

/** Opens a log and its rotated files (`FILE`, `FILE.1`, `FILE.2` …), the newest first. */
export async function openLogFiles(
  file: string,
): Promise<{ readonly files: readonly LogFile[]; readonly close: () => Promise<void> }> {
  const handles: FileHandle[] = []
  const close = async (): Promise<void> => {
    await Promise.all(handles.map((handle) => handle.close()))
  }
  try {
    const files: LogFile[] = []
    const known = new Set<string>()
    let missing = 0
    for (let index = 0; index < maxFiles && missing <= maxMissing; index += 1) {
      const name = index === 0 ? file : `${file}.${index}`
      const handle = await openIfThere(name)
      missing = handle === undefined ? missing + 1 : 0
      if (handle === undefined) continue
      handles.push(handle)
      const { dev, ino, size } = await handle.stat()
      // A rotation on the way shows a file under two names, never none.
      const identity = `${dev}:${ino}`
      if (!known.has(identity)) files.push(logFileOf({ name, identity, size }, handle))
      known.add(identity)
    }
    return { files, close }
  } catch (cause) {
    await close()
    throw new AppError('SERVER_UNAVAILABLE', 'the decision log cannot be read', { cause })
  }
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    // What is no regular file must not be waited for, nor emptied.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    if ((await handle.stat()).isFile()) return handle
    await handle.close()
    return undefined
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}

function logFileOf(
  known: Pick<LogFile, 'name' | 'identity' | 'size'>,
  handle: FileHandle,
): LogFile {
  const { size } = known
  async function read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length)
    for (let filled = 0; filled < length;) {
      const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled)
      if (bytesRead === 0) throw new LogShrank()
      filled += bytesRead
    }
    return buffer
  }
  return {
    ...known,
    read,
    async print(offset) {
      if (offset < 0 || offset >= size) return undefined
      const bytes = await read(offset, Math.min(printedBytes, size - offset))
      const end = bytes.indexOf(0x0a)
      // Only what is whole stays as it is: an unfinished line is longer the next time.
      const stable = end === -1 ? bytes : bytes.subarray(0, end)
      return createHash('sha256').update(stable).digest('hex').slice(0, 24)
    },
  }
}
