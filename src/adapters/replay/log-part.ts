import { closeSync, createReadStream, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { AppError } from '../../domain/errors.ts'
import { compressionOf, decompressed, type Compression } from './archive.ts'

/** A part of a log that one thread reads; plain data, so that it can be sent. */
export type LogPart = {
  readonly file: string
  /** Tells the file from any that a rotation gives its name to. */
  readonly identity: string
  /** The number of the file among all that are replayed. */
  readonly source: number
} & (
  | {
      readonly kind: 'range'
      /** The lines that begin from one byte on and before another. */
      readonly from: number
      readonly to: number
    }
  | { readonly kind: Compression; readonly bytes: number }
)

/** Big enough that a part's overhead is lost in it, small enough that threads end together. */
const rangeBytes = 16 * 1024 * 1024
const chunkBytes = 256 * 1024
const lineFeed = 0x0a

/**
 * Cuts a file into parts; what is compressed cannot be cut, and what is no file of a disk (a pipe)
 * can be read only once: undefined. Throws `CONFIG_INVALID`.
 */
export function partsOf(file: string, source: number): readonly LogPart[] | undefined {
  const stat = orFault(file, () => statSync(file))
  if (!stat.isFile() && !stat.isDirectory()) return undefined
  const head = opened(file, (fd) => {
    const bytes = Buffer.alloc(4)
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0))
  })
  const known = { file, source, identity: identityOf(stat) }
  const kind = compressionOf(head)
  if (kind !== undefined) return [{ ...known, kind, bytes: stat.size }]
  const parts: LogPart[] = []
  for (let from = 0; from < stat.size; from += rangeBytes) {
    parts.push({ ...known, kind: 'range', from, to: Math.min(stat.size, from + rangeBytes) })
  }
  return parts
}

/** What a file is, whatever its name. */
export function identityOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`
}

/**
 * Reads the whole lines of a range, without waiting; a chunk is only good until the next one.
 * Returns why not, where the file is no longer what it was: what it held is not read then.
 */
export function readRange(
  part: LogPart & { readonly kind: 'range' },
  told: {
    /** Told where the first line begins. */
    readonly begin: (at: number) => void
    readonly chunk: (chunk: Buffer) => void
  },
): string | undefined {
  return opened(part.file, (fd) => {
    const { from } = part
    let { to } = part
    const changed = whyChanged(fd, part)
    if (changed !== undefined) return changed
    const buffer = Buffer.allocUnsafe(chunkBytes)
    let at = from === 0 ? 0 : firstLine(fd, { from, to }, buffer)
    told.begin(at)
    while (at < to) {
      const bytes = readSync(fd, buffer, 0, buffer.length, at)
      if (bytes === 0) return at < part.to ? shrank : undefined
      // A line that begins before `to` is read to its end, wherever that is.
      const end = lineEnd(buffer.subarray(0, bytes), Math.max(0, to - 1 - at))
      told.chunk(buffer.subarray(0, end ?? bytes))
      if (end !== undefined) return undefined
      at += bytes
      to = Math.max(to, at + 1)
    }
    return undefined
  })
}

const shrank = 'it got shorter while it was read'

/** A rotation gives the name to another file, or cuts the file. */
function whyChanged(fd: number, part: LogPart): string | undefined {
  const stat = fstatSync(fd)
  if (identityOf(stat) !== part.identity) return 'another file took its name while it was read'
  return part.kind === 'range' && stat.size < part.to ? shrank : undefined
}

/** Where the first line begins of those that begin in a range; its end where none does. */
function firstLine(
  fd: number,
  { from, to }: { readonly from: number; readonly to: number },
  buffer: Buffer,
): number {
  for (let at = from - 1; at < to; at += buffer.length) {
    const bytes = readSync(fd, buffer, 0, Math.min(buffer.length, to - at), at)
    const end = lineEnd(buffer.subarray(0, bytes), 0)
    if (end !== undefined) return at + end
  }
  return to
}

/** Where a line ends that goes on at a place, its line feed included. */
function lineEnd(bytes: Buffer, from: number): number | undefined {
  if (from >= bytes.length) return undefined
  const at = bytes.indexOf(lineFeed, from)
  return at === -1 ? undefined : at + 1
}

/** Reads what is compressed; `onRead` is told how many bytes were read. Throws as `decompressed`. */
export async function* readArchive(
  part: LogPart & { readonly kind: Compression },
  onRead: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const fd = orFault(part.file, () => openSync(part.file, 'r'))
  const bytes = createReadStream('', { fd, highWaterMark: chunkBytes })
  try {
    const changed = whyChanged(fd, part)
    if (changed !== undefined) throw new Error(changed)
    bytes.on('data', (chunk) => onRead(chunk.length))
    yield* decompressed(bytes, part.kind)
  } finally {
    bytes.destroy()
  }
}

function opened<T>(file: string, use: (fd: number) => T): T {
  return orFault(file, () => {
    const fd = openSync(file, 'r')
    try {
      return use(fd)
    } finally {
      closeSync(fd)
    }
  })
}

function orFault<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', `cannot read ${file}: ${(cause as Error).message}`, {
      cause,
    })
  }
}
