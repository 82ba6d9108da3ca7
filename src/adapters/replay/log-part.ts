import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs'
import type { Readable, Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { AppError } from '../../domain/errors.ts'

/** A part of a log that one thread reads; plain data, so that it can be sent. */
export type LogPart = {
  readonly file: string
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

type Compression = 'gzip' | 'zstd'

/** Big enough that a part's overhead is lost in it, small enough that threads end together. */
const rangeBytes = 16 * 1024 * 1024
const chunkBytes = 1024 * 1024
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
  const kind = compressionOf(head)
  if (kind !== undefined) return [{ file, source, kind, bytes: stat.size }]
  const parts: LogPart[] = []
  for (let from = 0; from < stat.size; from += rangeBytes) {
    parts.push({ file, source, kind: 'range', from, to: Math.min(stat.size, from + rangeBytes) })
  }
  return parts
}

/** How bytes are compressed, by the first of them (RFC 1952, RFC 8878). */
export function compressionOf(head: Buffer): Compression | undefined {
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return 'gzip'
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return 'zstd'
  return undefined
}

/** A stream that takes compressed bytes, also of several archives one after the other. */
export function decompressor(kind: Compression): Transform {
  const options = { chunkSize: chunkBytes }
  return kind === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
}

/** Reads the whole lines of a range, without waiting; a chunk is only good until the next one. */
export function readRange(
  { file, from, to }: LogPart & { readonly kind: 'range' },
  told: {
    /** Told where the first line begins. */
    readonly begin: (at: number) => void
    readonly chunk: (chunk: Buffer) => void
  },
): void {
  opened(file, (fd) => {
    const buffer = Buffer.allocUnsafe(chunkBytes)
    let at = from === 0 ? 0 : firstLine(fd, { from, to }, buffer)
    told.begin(at)
    while (at < to) {
      const bytes = readSync(fd, buffer, 0, buffer.length, at)
      if (bytes === 0) return
      // A line that begins before `to` is read to its end, wherever that is.
      const end = lineEnd(buffer.subarray(0, bytes), Math.max(0, to - 1 - at))
      told.chunk(buffer.subarray(0, end ?? bytes))
      if (end !== undefined) return
      at += bytes
      to = Math.max(to, at + 1)
    }
  })
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

/** Opens what is compressed; `onRead` is told how many bytes were read. */
export function readArchive(
  { file, kind }: LogPart & { readonly kind: Compression },
  onRead: (bytes: number) => void,
): Readable {
  const stream = decompressor(kind)
  const bytes = createReadStream(file, { highWaterMark: chunkBytes })
  bytes.on('data', (chunk) => onRead(chunk.length))
  bytes.on('error', (cause) => stream.destroy(cause))
  stream.on('close', () => bytes.destroy())
  return bytes.pipe(stream)
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
