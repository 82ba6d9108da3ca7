import type { AskedExtensions } from './asked-extensions.ts'
import type { AskedHeaders } from './asked-headers.ts'
import { MapEntry } from './map-entry.ts'
import { refuseMessage, type ProtobufReader } from './protobuf-reader.ts'

/** Tags by field number of fields that have a length: texts, bytes, messages, entries of maps. */
const tag1 = 0x0a
const tag2 = 0x12
const tag3 = 0x1a
const tag4 = 0x22
const tag5 = 0x2a
const tag10 = 0x52
const tag13 = 0x6a

/** The fields that a message defines, a bit for each number. */
const fields = (...numbers: readonly number[]): number =>
  numbers.reduce((bits, number) => bits | (1 << number), 0)
const ofCheckRequest = fields(1)
const ofAttributes = fields(1, 2, 4, 10, 11, 12, 13)
const ofRequest = fields(1, 2)
const ofHttpRequest = fields(1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13)
const sizeOfHttpRequest = fields(9)
const ofHeaderMap = fields(1)
const ofHeaderValue = fields(1, 2, 3)

/**
 * Walks through a CheckRequest and notes where what a decision needs stands. Of a field that is there
 * several times the last holds; a message that is there twice would have to be merged, and is refused.
 */
export class CheckFields {
  methodStart = 0
  methodEnd = 0
  pathStart = 0
  pathEnd = 0
  hostStart = 0
  hostEnd = 0
  readonly #reader: ProtobufReader
  readonly #extensions: AskedExtensions
  readonly #entry = new MapEntry()

  constructor(reader: ProtobufReader, extensions: AskedExtensions) {
    this.#reader = reader
    this.#extensions = extensions
  }

  /** Reads a CheckRequest at the reader's place, up to `end`. */
  read(headers: AskedHeaders, end: number): void {
    this.methodStart = this.methodEnd = this.pathStart = this.pathEnd = 0
    this.hostStart = this.hostEnd = 0
    this.#extensions.reset()
    headers.reset()
    const reader = this.#reader
    let attributes = false
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === tag1) {
        if (attributes) refuseMessage()
        attributes = true
        this.#readAttributes(headers, reader.enter(end))
      } else reader.skip(tag, end, ofCheckRequest)
    }
  }

  /** AttributeContext: `request` and `context_extensions`, not who connected to what. */
  #readAttributes(headers: AskedHeaders, end: number): void {
    const reader = this.#reader
    let request = false
    while (reader.at < end) {
      const tag = reader.tag(end)
      switch (tag) {
        case tag4:
          if (request) refuseMessage()
          request = true
          this.#readRequest(headers, reader.enter(end))
          break
        case tag10:
          this.#entry.read(reader, reader.enter(end))
          this.#extensions.put(reader, this.#entry)
          break
        default:
          reader.skip(tag, end, ofAttributes)
      }
    }
  }

  /** AttributeContext.Request: `http`, not the time. */
  #readRequest(headers: AskedHeaders, end: number): void {
    const reader = this.#reader
    let http = false
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === tag2) {
        if (http) refuseMessage()
        http = true
        this.#readHttp(headers, reader.enter(end))
      } else reader.skip(tag, end, ofRequest)
    }
  }

  /** AttributeContext.HttpRequest: method, path, host and the headers, in either encoding. */
  #readHttp(headers: AskedHeaders, end: number): void {
    const reader = this.#reader
    let headerMap = false
    while (reader.at < end) {
      const tag = reader.tag(end)
      switch (tag) {
        case tag3:
          this.#readEntry(headers, reader.enter(end))
          this.#readUsualEntries(headers, end)
          break
        case tag2:
          this.methodEnd = reader.enter(end)
          this.methodStart = reader.at
          reader.at = this.methodEnd
          break
        case tag4:
          this.pathEnd = reader.enter(end)
          this.pathStart = reader.at
          reader.at = this.pathEnd
          break
        case tag5:
          this.hostEnd = reader.enter(end)
          this.hostStart = reader.at
          reader.at = this.hostEnd
          break
        case tag13:
          if (headerMap) refuseMessage()
          headerMap = true
          this.#readHeaderMap(headers, reader.enter(end))
          break
        default:
          reader.skip(tag, end, ofHttpRequest, sizeOfHttpRequest)
      }
    }
  }

  /** An entry of `headers`. */
  #readEntry(headers: AskedHeaders, end: number): void {
    this.#entry.read(this.#reader, end)
    this.#put(headers)
  }

  #put(headers: AskedHeaders): void {
    const entry = this.#entry
    const slot = headers.find(this.#reader.bytes, entry.keyStart, entry.keyEnd)
    if (slot >= 0) headers.put(slot, this.#reader, entry)
  }

  /**
   * The entries of `headers` that follow, as far as they are what every serializer writes: a short key,
   * then the value, and nothing else. They make most of a message: no other loop is as hot.
   */
  #readUsualEntries(headers: AskedHeaders, end: number): void {
    const { bytes } = this.#reader
    let { at } = this.#reader
    while (end - at >= 6 && bytes[at] === tag3) {
      let start = at + 2
      let to = bytes[at + 1] as number
      if (to > 0x7f) {
        to = (to & 0x7f) | ((bytes[start++] as number) << 7)
        if (to > 0x3fff) break
      }
      to += start
      const keyLength = bytes[start + 1] as number
      const keyEnd = start + 2 + keyLength
      if (to > end || keyLength > 0x7f || keyEnd + 2 > to) break
      if (bytes[start] !== tag1 || bytes[keyEnd] !== tag2) break
      let value = keyEnd + 2
      let length = bytes[keyEnd + 1] as number
      if (length > 0x7f && value < to) {
        length = (length & 0x7f) | ((bytes[value++] as number) << 7)
        if (length > 0x3fff) break
      }
      if (value + length !== to) break
      if (headers.mayBe(keyLength, bytes[start + 2] as number)) {
        this.#entry.set(start + 2, keyEnd, value, to)
        this.#put(headers)
      }
      at = to
    }
    this.#reader.at = at
  }

  #readHeaderMap(headers: AskedHeaders, end: number): void {
    const reader = this.#reader
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag === tag1) this.#readHeader(headers, reader.enter(end))
      else reader.skip(tag, end, ofHeaderMap)
    }
  }

  /** HeaderValue: a name with a text or, where Envoy encodes headers raw, bytes. */
  #readHeader(headers: AskedHeaders, end: number): void {
    const reader = this.#reader
    let [keyStart, keyEnd, valueStart, valueEnd, rawStart, rawEnd] = [0, 0, 0, 0, 0, 0]
    while (reader.at < end) {
      const tag = reader.tag(end)
      if (tag !== tag1 && tag !== tag2 && tag !== tag3) {
        reader.skip(tag, end, ofHeaderValue)
        continue
      }
      const to = reader.enter(end)
      if (tag === tag1) [keyStart, keyEnd] = [reader.at, to]
      else if (tag === tag2) [valueStart, valueEnd] = [reader.at, to]
      else [rawStart, rawEnd] = [reader.at, to]
      reader.at = to
    }
    const slot = headers.find(reader.bytes, keyStart, keyEnd)
    if (slot < 0) return
    if (valueStart === valueEnd) {
      headers.addRaw(slot, reader, rawStart, rawEnd)
      return
    }
    const value = reader.text(valueStart, valueEnd)
    const raw = reader.bytes.toString('latin1', rawStart, rawEnd)
    // A peer that fills both and says two things is refused later, by the comma.
    headers.add(slot, reader, raw === '' || value === raw ? value : `${value},${raw}`)
  }
}
