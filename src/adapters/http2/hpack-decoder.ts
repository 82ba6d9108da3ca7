import { createField, fieldKind, fieldOverhead, tagKind } from './hpack-field.ts'
import { dynamicTableBytes, FieldTable, literalPlace } from './hpack-field-table.ts'
import { createFindPath, type FindPath } from './hpack-known-paths.ts'
import { kindOfName } from './hpack-name.ts'
import type { RequestHead } from './hpack-request-head.ts'
import { RequestRules } from './hpack-request-rules.ts'
import { readValue } from './hpack-value.ts'
import { decodeHuffman } from './huffman-decode.ts'

/**
 * How a block came out. `compression-error`: a connection error, COMPRESSION_ERROR; the decoder
 * must not be used again. `too-large`: the list is larger than `maxListBytes`, a fault of the one
 * request (431, or RST_STREAM); the table is in step, and the head says the truth.
 */
export type DecodeResult = 'ok' | 'compression-error' | 'too-large'

/** The header decoder of one connection (RFC 7541). */
export interface HpackDecoder {
  /**
   * Decodes `bytes[start..end)`, one block as a whole (HEADERS and its CONTINUATIONs, without padding
   * and priority), into `head`. Every block that comes has to be decoded in order, also of a stream
   * that is refused, closed or reset. Its time is linear in the octets, whatever they stand for; how
   * many there may be is for the caller to bound.
   */
  readonly decode: (
    bytes: Uint8Array,
    start: number,
    end: number,
    head: RequestHead,
  ) => DecodeResult
}

export interface HpackDecoderOptions {
  /** Paths of the methods served: `head.path` is then this very string. */
  readonly knownPaths: readonly string[]
  /** As SETTINGS_MAX_HEADER_LIST_SIZE announces it. */
  readonly maxListBytes: number
}

/**
 * Makes a decoder. SETTINGS_HEADER_TABLE_SIZE must not be announced, or be `dynamicTableBytes`: as
 * 4,096 is what clients use before they have read what is announced, less would save nothing.
 */
export function createHpackDecoder(options: HpackDecoderOptions): HpackDecoder {
  return new Decoder(options)
}

const indexedBit = 0x80
const incrementalBit = 0x40
const sizeUpdateBit = 0x20
const huffmanBit = 0x80
/** Continuation octets of an integer that are read: values up to 2^28 and what the prefix holds. */
const maxShift = 21

/** A class, as it is the hottest object of the transport: its state is in fields, not in closures. */
class Decoder implements HpackDecoder {
  readonly #findPath: FindPath
  readonly #maxListBytes: number
  readonly #table = new FieldTable()
  readonly #rules = new RequestRules(this.#table)
  /** The literal that is being read. */
  readonly #literal = createField()
  /** The string that is being read, decoded. */
  #scratch = new Uint8Array(512)
  /** The next octet. */
  #at = 0

  constructor({ knownPaths, maxListBytes }: HpackDecoderOptions) {
    this.#findPath = createFindPath(knownPaths)
    this.#maxListBytes = maxListBytes
  }

  decode(bytes: Uint8Array, start: number, end: number, head: RequestHead): DecodeResult {
    this.#rules.begin(head)
    this.#at = start
    while (this.#at < end && ((bytes[this.#at] as number) & 0xe0) === sizeUpdateBit) {
      const maxBytes = this.#integer(bytes, end, sizeUpdateBit - 1)
      if (maxBytes < 0 || maxBytes > dynamicTableBytes) return 'compression-error'
      this.#table.resize(maxBytes)
    }
    while (this.#at < end) {
      const first = bytes[this.#at] as number
      // An index of one octet: nearly every field of nearly every block.
      if (first > indexedBit && first < 0xff) {
        const place = this.#table.placeOf(first - indexedBit)
        if (place === 0) return 'compression-error'
        this.#rules.add(place)
        this.#at += 1
      } else if (!this.#field(bytes, end)) return 'compression-error'
    }
    this.#rules.end()
    return head.listSize > this.#maxListBytes ? 'too-large' : 'ok'
  }

  /** Reads a field (section 6); false if it cannot be. */
  #field(bytes: Uint8Array, end: number): boolean {
    const first = bytes[this.#at] as number
    if (first >= indexedBit) {
      const place = this.#table.placeOf(this.#integer(bytes, end, indexedBit - 1))
      if (place !== 0) this.#rules.add(place)
      return place !== 0
    }
    const incremental = first >= incrementalBit
    if (!incremental && first >= sizeUpdateBit) return false // not at the beginning: section 4.2
    if (!this.#name(bytes, end, incremental ? incrementalBit - 1 : 0x0f)) return false
    if (!this.#value(bytes, end)) return false
    this.#table.setLiteral(this.#literal)
    this.#rules.add(literalPlace)
    if (incremental) this.#table.insert(this.#literal)
    return true
  }

  #name(bytes: Uint8Array, end: number, mask: number): boolean {
    const literal = this.#literal
    const index = this.#integer(bytes, end, mask)
    if (index !== 0) {
      const place = this.#table.placeOf(index)
      literal.kind = (this.#table.tags[place] as number) & tagKind
      literal.nameLength = this.#table.nameLengths[place] as number
      return place !== 0
    }
    const huffman = this.#at < end && (bytes[this.#at] as number) >= huffmanBit
    const octets = this.#integer(bytes, end, huffmanBit - 1)
    const start = this.#at
    if (octets < 0 || octets > end - start) return false
    this.#at = start + octets
    const length = huffman ? this.#decoded(bytes, start, octets) : octets
    if (length < 0) return false
    const from = huffman ? this.#scratch : bytes
    const at = huffman ? 0 : start
    literal.kind = kindOfName(from, at, at + length)
    literal.nameLength = length
    return true
  }

  #value(bytes: Uint8Array, end: number): boolean {
    const literal = this.#literal
    const huffman = this.#at < end && (bytes[this.#at] as number) >= huffmanBit
    const octets = this.#integer(bytes, end, huffmanBit - 1)
    const start = this.#at
    if (octets < 0 || octets > end - start) return false
    this.#at = start + octets
    let length = octets
    const path =
      literal.kind === fieldKind.path ? this.#findPath(bytes, start, octets, huffman) : undefined
    if (path !== undefined) {
      length = path.length
      literal.sound = true
      literal.number = 0
      literal.text = path
    } else if (huffman) {
      length = this.#decoded(bytes, start, octets)
      if (length < 0) return false
      readValue(literal, this.#scratch, 0, length)
    } else readValue(literal, bytes, start, start + octets)
    literal.size = literal.nameLength + length + fieldOverhead
    return true
  }

  /** Decodes a Huffman-coded string to the scratch; gives its length, or -1. */
  #decoded(bytes: Uint8Array, start: number, octets: number): number {
    const room = octets * 2 + 2
    if (room > this.#scratch.length) this.#scratch = new Uint8Array(room)
    return decodeHuffman(bytes, start, start + octets, this.#scratch)
  }

  /** An integer (section 5.1) whose prefix is `mask` wide; -1 if there is none, or it is too large. */
  #integer(bytes: Uint8Array, end: number, mask: number): number {
    if (this.#at >= end) return -1
    let value = (bytes[this.#at++] as number) & mask
    if (value < mask) return value
    for (let shift = 0; shift <= maxShift && this.#at < end; shift += 7) {
      const octet = bytes[this.#at++] as number
      value += (octet & 127) << shift
      if (octet < 128) return value
    }
    return -1
  }
}
