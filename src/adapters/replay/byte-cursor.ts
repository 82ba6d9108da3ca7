const quote = 0x22
const backslash = 0x5c
const zero = 0x30
const nine = 0x39
/** `null`, as its four bytes are read at once. */
const nullWord = 0x6c6c756e
/** Digits of which every number is exact. */
const maxDigits = 15
/** RFC 8259 section 6. */
const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const inNumber = /[\d+\-.eE]*/y

/** Bytes that text is compared with, four at a time. */
export interface Literal {
  readonly words: readonly number[]
  readonly length: number
}

/** Makes a literal of ASCII text of four characters or more, without a line feed. */
export function literal(text: string): Literal {
  const bytes = Buffer.from(text, 'latin1')
  const words: number[] = []
  for (let at = 0; at + 4 <= bytes.length; at += 4) words.push(bytes.readInt32LE(at))
  // The last word may lie over the one before it.
  if (bytes.length % 4 !== 0) words.push(bytes.readInt32LE(bytes.length - 4))
  return { words, length: bytes.length }
}

/**
 * Walks along JSON values that need no unescaping; each step says whether it found what it stands for,
 * and leaves the place undefined where not. Whoever uses it makes sure that a line feed and
 * `ByteCursor.slack` more bytes follow: no step goes beyond a line feed, but words are read whole. A
 * class: its fields are read for each byte.
 */
export class ByteCursor {
  static readonly slack = 4
  at = 0
  /** The same as the bytes, each of them a character: texts are cut out of it. */
  text = ''
  #bytes: Uint8Array = new Uint8Array()
  #view: DataView = new DataView(new ArrayBuffer())

  /** Begins with other bytes. */
  begin(bytes: Buffer): void {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.text = bytes.toString('latin1')
    this.at = 0
  }

  /** Takes a text that is known. */
  skip({ length, words }: Literal): boolean {
    const { at } = this
    const last = words.length - 1
    for (let index = 0; index < last; index++) {
      if (this.#view.getInt32(at + index * 4, true) !== words[index]) return false
    }
    if (this.#view.getInt32(at + length - 4, true) !== words[last]) return false
    this.at = at + length
    return true
  }

  /** Takes one byte that is known. */
  skipByte(byte: number): boolean {
    return this.#bytes[this.at++] === byte
  }

  /** Takes `null`. */
  skipNull(): boolean {
    if (this.#view.getInt32(this.at, true) !== nullWord) return false
    this.at += 4
    return true
  }

  /** How far it is to a text within the next characters; -1: it is not there. */
  distanceTo(text: string, most: number): number {
    return this.text.slice(this.at, this.at + most).indexOf(text)
  }

  /** Takes a string of ASCII without escapes. */
  string(): string | undefined {
    const begin = this.at + 1
    return this.skipString() ? this.text.slice(begin, this.at - 1) : undefined
  }

  /** Takes such a string or `null`. */
  stringOrNull(): string | null | undefined {
    return this.#bytes[this.at] === quote ? this.string() : this.skipNull() ? null : undefined
  }

  /** Takes such a string without cutting it out. */
  skipString(): boolean {
    const bytes = this.#bytes
    let at = this.at
    if (bytes[at] !== quote) return false
    for (;;) {
      at += 1
      const byte = bytes[at] ?? 0
      if (byte === quote) break
      if (byte < 0x20 || byte > 0x7e || byte === backslash) return false
    }
    this.at = at + 1
    return true
  }

  /** Takes such a string or `null` without cutting it out. */
  skipStringOrNull(): boolean {
    return this.#bytes[this.at] === quote ? this.skipString() : this.skipNull()
  }

  /** Takes a number. */
  number(): number | undefined {
    const bytes = this.#bytes
    const begin = this.at
    let at = begin
    let value = 0
    for (;;) {
      const byte = bytes[at] ?? 0
      if (byte < zero || byte > nine) break
      value = value * 10 + (byte - zero)
      at += 1
    }
    const digits = at - begin
    const next = bytes[at] ?? 0
    const isPlain = digits === 1 || (digits > 1 && digits <= maxDigits && bytes[begin] !== zero)
    // A fraction or an exponent follows.
    if (!isPlain || next === 0x2e || (next | 0x20) === 0x65) return this.#otherNumber()
    this.at = at
    return value
  }

  /** Takes a number or `null`. */
  numberOrNull(): number | null | undefined {
    return this.skipNull() ? null : this.number()
  }

  /** One with a sign, a fraction, an exponent, or many digits. */
  #otherNumber(): number | undefined {
    inNumber.lastIndex = this.at
    const [text = ''] = inNumber.exec(this.text) ?? []
    if (!jsonNumber.test(text)) return undefined
    this.at += text.length
    return Number(text)
  }
}
