import { isUtf8 } from 'node:buffer'

/** Wire types (Protocol Buffers, "Encoding"): the low three bits of a tag. */
const varintType = 0
const fixed64Type = 1
const lengthType = 2
const groupType = 3
const groupEndType = 4
const fixed32Type = 5

/** Deepest nesting of groups that is followed; messages that are skipped are not looked into. */
const maxGroupDepth = 32
/** Longest varint, in bytes. */
const maxVarintBytes = 10

/** Thrown for bytes that are no message, or one in a shape that readers disagree about. */
export class MalformedMessageError extends Error {}

/** One for all: it tells nothing that is worth a stack. */
const malformed = new MalformedMessageError('the bytes are no message that has one reading')

/** Gives the message up. */
export function refuseMessage(): never {
  throw malformed
}

/**
 * A place in a message, and how to go on from it. A class with fields that stay: it is used for
 * every field of every message, and nothing else of a check is as hot.
 */
export class ProtobufReader {
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  #source: Uint8Array = this.bytes

  /** Begins anew at `start`. */
  open(bytes: Uint8Array, start: number): void {
    // A transport reads into the same memory again and again: its view is made once.
    if (bytes !== this.#source) {
      this.#source = bytes
      this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    this.at = start
  }

  /** A varint of at most 32 bits: a tag or a length. It may be longer than it need be. */
  varint(end: number): number {
    const { bytes } = this
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.at >= end) refuseMessage()
      const byte = bytes[this.at++] as number
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    if (this.at >= end) refuseMessage()
    const last = bytes[this.at++] as number
    if (last > 0x0f) refuseMessage()
    return (value | (last << 28)) >>> 0
  }

  /** Reads a length; gives where what it measures ends, which is within `end`. */
  enter(end: number): number {
    const { bytes } = this
    const byte = this.at < end ? (bytes[this.at] as number) : 0x80
    let length = byte
    if (byte < 0x80) this.at += 1
    else length = this.varint(end)
    const to = this.at + length
    if (to > end) refuseMessage()
    return to
  }

  /** The tag at this place. */
  tag(end: number): number {
    const byte = this.bytes[this.at] as number
    if (byte >= 0x80) return this.varint(end)
    this.at += 1
    return byte
  }

  /**
   * Skips a field that is not read. `texts` and `numbers` have a bit for each field that the message
   * defines, with a length or as a varint: one in another wire type than its own is not skipped as
   * unknown, it makes the message malformed.
   */
  skip(tag: number, end: number, texts: number, numbers = 0): void {
    const number = tag >>> 3
    const wireType = tag & 7
    if (number === 0) refuseMessage()
    if (number < 32) {
      if (((texts >>> number) & 1) === 1 && wireType !== lengthType) refuseMessage()
      if (((numbers >>> number) & 1) === 1 && wireType !== varintType) refuseMessage()
    }
    if (wireType === groupType) this.#skipGroup(number, end)
    else this.#skipValue(wireType, end)
  }

  /** The text between two places; what is no UTF-8 is no text (Protocol Buffers, "string"). */
  text(start: number, end: number): string {
    if (start === end) return ''
    const text = this.bytes.toString('utf8', start, end)
    if (text.includes('\ufffd') && !isUtf8(this.bytes.subarray(start, end))) refuseMessage()
    return text
  }

  #skipValue(wireType: number, end: number): void {
    if (wireType === lengthType) this.at = this.enter(end)
    else if (wireType === varintType) this.#skipVarint(end)
    else if (wireType === fixed64Type) this.#skipBytes(8, end)
    else if (wireType === fixed32Type) this.#skipBytes(4, end)
    else refuseMessage()
  }

  #skipBytes(count: number, end: number): void {
    this.at += count
    if (this.at > end) refuseMessage()
  }

  #skipVarint(end: number): void {
    const last = Math.min(end, this.at + maxVarintBytes)
    while (this.at < last) if ((this.bytes[this.at++] as number) < 0x80) return
    refuseMessage()
  }

  /** Groups nest without lengths; each ends with its own number. */
  #skipGroup(number: number, end: number): void {
    const open = [number]
    while (open.length > 0) {
      if (this.at >= end) refuseMessage()
      const tag = this.tag(end)
      const [inner, wireType] = [tag >>> 3, tag & 7]
      if (inner === 0) refuseMessage()
      if (wireType === groupType) {
        if (open.push(inner) > maxGroupDepth) refuseMessage()
      } else if (wireType === groupEndType) {
        if (open.pop() !== inner) refuseMessage()
      } else this.#skipValue(wireType, end)
    }
  }
}
