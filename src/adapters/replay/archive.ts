import { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'

/** How a log may be compressed. */
export type Compression = 'gzip' | 'zstd'

const options = { chunkSize: 1024 * 1024 }

/** How bytes are compressed, by the first of them (RFC 1952, RFC 8878). */
export function compressionOf(head: Buffer): Compression | undefined {
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return 'gzip'
  if (head.length < 4) return undefined
  const magic = head.readUInt32LE(0)
  // A skippable frame may stand first: parallel compressors write one (RFC 8878 section 3.1.2).
  return magic === 0xfd2fb528 || magic >>> 4 === 0x184d2a5 ? 'zstd' : undefined
}

/**
 * Decompresses bytes, also of several archives one after the other. Throws at their end where
 * something follows that is no archive: Node.js leaves that out without a word. Zeros that fill up a
 * block are nothing.
 */
export async function* decompressed(
  bytes: AsyncIterable<unknown>,
  kind: Compression,
): AsyncGenerator<Buffer> {
  const stream = kind === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
  let read = 0
  /** Where the last byte that is not zero ends. */
  let end = 0
  async function* noted(): AsyncGenerator<Buffer> {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      const used = usedBytes(chunk)
      if (used > 0) end = read + used
      read += chunk.length
      yield chunk
    }
  }
  const source = Readable.from(noted())
  source.on('error', (cause) => stream.destroy(cause))
  try {
    yield* source.pipe(stream) as AsyncIterable<Buffer>
  } finally {
    source.destroy()
  }
  if (stream.bytesWritten < end) throw new Error('what follows the archive is none')
}

function usedBytes(chunk: Buffer): number {
  let used = chunk.length
  while (used > 0 && chunk[used - 1] === 0) used -= 1
  return used
}
