import type { ProtobufReader } from './protobuf-reader.ts'

/** How many texts are kept at most, a power of two, and the longest of them, in bytes. */
const places = 16_384
const maxBytes = 1_024
/** The last bytes, which are told apart by: of a token they are of its signature. */
const hashedBytes = 12

/**
 * Long texts that come again (credentials), found by their bytes. What a map is asked for by a text that
 * was made just now has to be hashed whole each time; one that is kept here was hashed once. A text is
 * kept when it comes a second time without another in its place between: those of a flood, and those
 * that are too many, leave nothing behind. The bytes take a kilobyte each, and only of texts that came.
 */
export class RecurringTexts {
  readonly #bytes = Buffer.allocUnsafeSlow(places * maxBytes)
  readonly #texts = new Array<string | undefined>(places).fill(undefined)
  /** The hash of the text that was at a place last. */
  readonly #last = new Int32Array(places)

  /** The text between two places. */
  read(reader: ProtobufReader, start: number, end: number): string {
    const length = end - start
    if (length > maxBytes || length < hashedBytes) return reader.text(start, end)
    const { bytes } = reader
    let hash = length
    for (let at = end - hashedBytes; at < end; at += 1) {
      hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0
    }
    const place = (hash ^ (hash >>> 15)) & (places - 1)
    const kept = this.#texts[place]
    if (kept?.length === length && this.#isAt(place, bytes, start, end)) return kept
    const text = reader.text(start, end)
    // Only of ASCII every character is one byte.
    if (this.#last[place] === hash && text.length === length) {
      bytes.copy(this.#bytes, place * maxBytes, start, end)
      this.#texts[place] = text
    } else this.#last[place] = hash
    return text
  }

  #isAt(place: number, bytes: Buffer, start: number, end: number): boolean {
    const from = place * maxBytes
    return bytes.compare(this.#bytes, from, from + end - start, start, end) === 0
  }
}
