/** Room at the beginning, and what is kept of the room that a long answer took, in bytes. */
const usualRoom = 4_096
const keptRoom = 65_536
/** Up to this length a loop is faster than a call. */
const shortText = 16

/** Bytes that were written before, as a text of one character a byte. */
export type Prepared = string

/** Writes messages into memory that is used again; a class, since it is used for every answer. */
export class ProtobufWriter {
  /** What was written is `bytes[0..length)`; another array once there was no room. */
  bytes = Buffer.allocUnsafeSlow(usualRoom)
  length = 0

  /** Begins anew. */
  reset(): void {
    this.length = 0
    if (this.bytes.length > keptRoom) this.bytes = Buffer.allocUnsafeSlow(usualRoom)
  }

  /** Makes room for that many bytes more. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.bytes.length))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }

  /** Bytes that were prepared. */
  raw(prepared: Prepared): void {
    this.reserve(prepared.length)
    if (prepared.length > shortText) {
      this.length += this.bytes.write(prepared, this.length, 'latin1')
    } else {
      for (let index = 0; index < prepared.length; index += 1) {
        this.bytes[this.length++] = prepared.charCodeAt(index)
      }
    }
  }

  /** A tag with the length of what follows. */
  open(tag: number, length: number): void {
    this.reserve(6)
    this.bytes[this.length++] = tag
    this.#varint(length)
  }

  /** A text without its length. A lone surrogate becomes U+FFFD: Envoy reads no other answer. */
  text(text: string): void {
    this.reserve(3 * text.length)
    if (text.length > shortText || !this.#writeShort(text)) {
      this.length += this.bytes.write(text, this.length, 'utf8')
    }
  }

  /** ASCII without its length; anything else is a fault. */
  ascii(text: string): void {
    const before = this.length
    this.text(text)
    if (this.length - before !== text.length) throw new TypeError('a text is not ASCII')
  }

  /** Bytes that were written before, from a place on. */
  again(from: number, count: number): void {
    this.reserve(count)
    const { bytes, length } = this
    for (let index = 0; index < count; index += 1) {
      bytes[length + index] = bytes[from + index] as number
    }
    this.length += count
  }

  /** A short text, unless it is more than ASCII. */
  #writeShort(text: string): boolean {
    const { bytes, length } = this
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) return false
      bytes[length + index] = code
    }
    this.length += text.length
    return true
  }

  /** What was written, one character a byte: making an array takes ten times as long. */
  prepared(): Prepared {
    return this.bytes.toString('latin1', 0, this.length)
  }

  #varint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.length++] = rest
  }
}

/** How many bytes a field takes whose content has that many. */
export function fieldSize(length: number): number {
  let size = 2 + length
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) size += 1
  return size
}
