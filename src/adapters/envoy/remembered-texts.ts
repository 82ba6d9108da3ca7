import type { ProtobufReader } from './protobuf-reader.ts'

/** How many texts are remembered at most, and the longest of them, in bytes. */
const places = 1_024
const maxBytes = 64

interface RememberedText {
  readonly bytes: Uint8Array
  readonly text: string
}

/**
 * Texts that come again and again (methods, hosts), found by their bytes: comparing them costs a third
 * of making a string. Each has one place that it shares with others, so nothing has to be evicted.
 */
export class RememberedTexts {
  readonly #places = new Array<RememberedText | undefined>(places).fill(undefined)

  /** The text between two places. */
  read(reader: ProtobufReader, start: number, end: number): string {
    const length = end - start
    if (length > maxBytes || length === 0) return reader.text(start, end)
    const { bytes } = reader
    let hash = length
    for (let at = start; at < end; at += 1) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0
    const place = (hash ^ (hash >>> 15)) & (places - 1)
    const found = this.#places[place]
    if (found !== undefined && holdsAt(found.bytes, bytes, start, end)) return found.text
    const text = reader.text(start, end)
    this.#places[place] = { bytes: new Uint8Array(bytes.subarray(start, end)), text }
    return text
  }
}

/** Whether `bytes[start..end)` are those known. */
export function holdsAt(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let index = 0; index < known.length; index += 1) {
    if (known[index] !== bytes[start + index]) return false
  }
  return true
}
