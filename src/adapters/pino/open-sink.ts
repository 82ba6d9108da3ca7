import {
  accessSync,
  close,
  closeSync,
  constants,
  existsSync,
  fstat,
  mkdirSync,
  open,
  openSync,
  read,
  statSync,
  type Stats,
} from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { AppError } from '../../domain/errors.ts'

const mode = 0o640
const lineBreak = 0x0a

/** A sink that is open for writing. */
export interface OpenSink {
  readonly fd: number
  /** A regular file, which has a size and can be looked at. */
  readonly isFile: boolean
  /** What a regular file holds, in bytes, as far as this process knows. */
  size: number
  /** It ends within a line: a process was killed while it wrote. */
  readonly isBroken: boolean
}

/** Looks at an open sink. */
export const statOf: (fd: number) => Promise<Stats> = promisify(fstat)

/** Opens standard output, or a file for appending; a pipe that nobody reads yet is `ENXIO`. */
export async function openSink(sink: string): Promise<OpenSink> {
  const fd = sink === 'stdout' ? standardOutput() : await promisify(open)(sink, flags, mode)
  try {
    const stat = await statOf(fd)
    const size = stat.isFile() ? stat.size : 0
    const isBroken = sink !== 'stdout' && size > 0 && !(await endsWithLineBreak(sink, size))
    return { fd, isFile: stat.isFile(), size, isBroken }
  } catch (cause) {
    closeSink(fd)
    throw cause
  }
}

/**
 * Asking Node.js for its stream makes a pipe or a socket non-blocking. Else a reader that stands still
 * would hold a thread, and with it the end of the process.
 */
function standardOutput(): number {
  return process.stdout.fd
}

/** Closes it, without waiting; standard output stays open. */
export function closeSink(fd: number): void {
  if (fd !== standardOutput()) close(fd, () => undefined) // everything was written before
}

/** True also where it may be written but not read: then there is nothing to be mended. */
async function endsWithLineBreak(file: string, size: number): Promise<boolean> {
  const fd = await promisify(open)(file, constants.O_RDONLY).catch(() => undefined)
  if (fd === undefined) return true
  try {
    const { buffer, bytesRead } = await promisify(read)(fd, Buffer.alloc(1), 0, 1, size - 1)
    return bytesRead === 0 || buffer[0] === lineBreak
  } finally {
    closeSink(fd)
  }
}

// Appending survives a file that is truncated under us. Without O_NONBLOCK a pipe waits for a reader.
const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants
const flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK

/**
 * Opens the file once, so that a log that can never be written is a fault at the start.
 * @throws AppError `CONFIG_INVALID`.
 */
export function assertWritable(file: string): void {
  try {
    makeFolder(dirname(file))
    // Opening a pipe and closing it would tell its reader that nothing more comes.
    if (isPipe(file)) accessSync(file, constants.W_OK)
    else closeSync(openSync(file, flags, mode))
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `TENANTGATE_DECISION_LOG: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function isPipe(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFIFO() ?? false
}

/** Makes a folder and those above it. Node's own `recursive` tries for ever below /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    if (!existsSync(folder)) throw error // else another instance was first
  }
}
