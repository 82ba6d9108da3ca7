import type { RecognisedCredential } from '../../domain/request.ts'
import type { MapEntry } from './map-entry.ts'
import type { ProtobufReader } from './protobuf-reader.ts'

/** Tells what bytes are that came before as the credential of a request. */
export type Recognise = (
  bytes: Buffer,
  start: number,
  end: number,
) => RecognisedCredential | undefined

/** Where a value stands in a message. */
type Range = readonly [start: number, end: number]

/** The low bits of a letter, which are the same in both cases. */
const letterBits = 5
const letters = (1 << letterBits) - 1

const upperA = 0x41
const upperZ = 0x5a
const caseBit = 0x20

/**
 * Collects the headers of one request that somebody asks for, from both encodings of a CheckRequest
 * (`headers` and `header_map`), and leaves all others where they are.
 */
export class AskedHeaders {
  readonly names: readonly string[]
  readonly #bytes: readonly Uint8Array[]
  readonly #longest: number
  /** By length and first letter of a name: the slot of one that is asked for, from 1; 0: none. */
  readonly #first: Uint16Array
  /** By slot: another slot whose name has the same length and first letter, from 1; 0: none. */
  readonly #next: Uint16Array
  /** Where the value in `headers` stands, by slot; -1: nowhere. */
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  readonly #absent: readonly undefined[]
  /** Values in `headers` under names that are not in lower case, by slot and spelling. */
  #spelled: Map<number, Map<string, Range>> | undefined
  /** Where the one value in `header_map` stands, by slot, where that is of bytes; -1: nowhere. */
  readonly #rawStarts: Int32Array
  readonly #rawEnds: Int32Array
  /** Values in `header_map`, by slot, where there are several or a text. */
  #listed: Map<number, string[]> | undefined
  /** Whether the name that was found last is in lower case throughout. */
  #isLowerCase = true

  /** `names` in lower case, that of credentials first. */
  constructor(names: readonly string[]) {
    this.names = names
    this.#bytes = names.map((name) => new Uint8Array(Buffer.from(name)))
    this.#longest = Math.max(...names.map((name) => name.length))
    this.#first = new Uint16Array((this.#longest + 1) << letterBits)
    this.#next = new Uint16Array(names.length)
    for (const [slot, bytes] of this.#bytes.entries()) {
      const look = lookOf(bytes, 0, bytes.length)
      this.#next[slot] = this.#first[look] as number
      this.#first[look] = slot + 1
    }
    this.#starts = new Int32Array(names.length).fill(-1)
    this.#ends = new Int32Array(names.length).fill(-1)
    this.#rawStarts = new Int32Array(names.length).fill(-1)
    this.#rawEnds = new Int32Array(names.length).fill(-1)
    this.#absent = names.map(() => undefined)
  }

  /** Forgets the request before. */
  reset(): void {
    // The list is short: a call of fill costs more.
    for (let slot = 0; slot < this.#starts.length; slot += 1) {
      this.#starts[slot] = -1
      this.#rawStarts[slot] = -1
    }
    this.#spelled = undefined
    this.#listed = undefined
  }

  /** Whether a name of this length that begins with this byte may be asked for. */
  mayBe(length: number, first: number): boolean {
    return length <= this.#longest && this.#first[(length << letterBits) | (first & letters)] !== 0
  }

  /** The slot of the header with this name in any case (RFC 9110 section 5.1); -1: none asks for it. */
  find(bytes: Uint8Array, start: number, end: number): number {
    if (end === start || end - start > this.#longest) return -1
    let slot = (this.#first[lookOf(bytes, start, end)] as number) - 1
    while (slot >= 0 && !this.#isName(this.#bytes[slot] as Uint8Array, bytes, start)) {
      slot = (this.#next[slot] as number) - 1
    }
    return slot
  }

  #isName(name: Uint8Array, bytes: Uint8Array, start: number): boolean {
    this.#isLowerCase = true
    for (let index = 0; index < name.length; index += 1) {
      const byte = bytes[start + index] as number
      if (byte === name[index]) continue
      if (byte < upperA || byte > upperZ || (byte | caseBit) !== name[index]) return false
      this.#isLowerCase = false
    }
    return true
  }

  /** A value of `headers`, a map: of the same name the last holds, other spellings are added. */
  put(slot: number, reader: ProtobufReader, entry: MapEntry): void {
    const spellings = this.#spelled?.get(slot)
    if (spellings === undefined && this.#isLowerCase) {
      this.#starts[slot] = entry.valueStart
      this.#ends[slot] = entry.valueEnd
      return
    }
    const name = reader.text(entry.keyStart, entry.keyEnd)
    const range: Range = [entry.valueStart, entry.valueEnd]
    if (spellings === undefined) this.#spell(slot).set(name, range)
    else spellings.set(name, range)
  }

  /** Begins to tell the spellings of a header apart. */
  #spell(slot: number): Map<string, Range> {
    const spellings = new Map<string, Range>()
    const start = this.#starts[slot] as number
    if (start >= 0) spellings.set(this.names[slot] as string, [start, this.#ends[slot] as number])
    this.#starts[slot] = -1
    this.#spelled ??= new Map()
    this.#spelled.set(slot, spellings)
    return spellings
  }

  /** A value of `header_map`, a list, as bytes: nothing is made of the first of a name yet. */
  addRaw(slot: number, reader: ProtobufReader, start: number, end: number): void {
    if ((this.#rawStarts[slot] as number) < 0 && this.#listed?.has(slot) !== true) {
      this.#rawStarts[slot] = start
      this.#rawEnds[slot] = end
    } else this.add(slot, reader, rawText(reader, start, end))
  }

  /** A value of `header_map` as a text. */
  add(slot: number, reader: ProtobufReader, value: string): void {
    const start = this.#rawStarts[slot] as number
    this.#listed ??= new Map()
    let listed = this.#listed.get(slot)
    if (listed === undefined) this.#listed.set(slot, (listed = []))
    if (start >= 0) listed.push(rawText(reader, start, this.#rawEnds[slot] as number))
    this.#rawStarts[slot] = -1
    listed.push(value)
  }

  /**
   * What the first header that is asked for is recognised as, where it is there once and in lower case:
   * what is put together is read as it comes.
   */
  recognised(reader: ProtobufReader, recognise: Recognise): RecognisedCredential | undefined {
    if (this.#spelled?.has(0) === true || this.#listed?.has(0) === true) return undefined
    const start = this.#starts[0] as number
    const rawStart = this.#rawStarts[0] as number
    if (rawStart < 0 && start >= 0) return recognise(reader.bytes, start, this.#ends[0] as number)
    // Only ASCII is recognised, which is the same text in either encoding.
    if (start < 0 && rawStart >= 0) {
      return recognise(reader.bytes, rawStart, this.#rawEnds[0] as number)
    }
    return undefined
  }

  /** The values of all headers that are asked for, by slot; of the first no text need be made. */
  values(reader: ProtobufReader, first: string | undefined): (string | undefined)[] {
    const values = this.#absent.slice() as (string | undefined)[]
    values[0] = first
    for (let slot = first === undefined ? 0 : 1; slot < values.length; slot += 1) {
      const start = this.#starts[slot] as number
      if (start >= 0) values[slot] = reader.text(start, this.#ends[slot] as number)
    }
    if (this.#spelled !== undefined) this.#addSpelled(values, this.#spelled, reader)
    for (let slot = first === undefined ? 0 : 1; slot < values.length; slot += 1) {
      const start = this.#rawStarts[slot] as number
      if (start < 0) continue
      const raw = rawText(reader, start, this.#rawEnds[slot] as number)
      values[slot] = joined(values[slot], [raw])
    }
    if (this.#listed !== undefined) {
      for (const [slot, listed] of this.#listed) values[slot] = joined(values[slot], listed)
    }
    return values
  }

  #addSpelled(
    values: (string | undefined)[],
    spelled: ReadonlyMap<number, ReadonlyMap<string, Range>>,
    reader: ProtobufReader,
  ): void {
    for (const [slot, spellings] of spelled) {
      const texts = [...spellings.values()].map(([start, end]) => reader.text(start, end))
      values[slot] = texts.join(',')
    }
  }
}

/** Where names of the same length and first letter are found. */
function lookOf(bytes: Uint8Array, start: number, end: number): number {
  return ((end - start) << letterBits) | ((bytes[start] as number) & letters)
}

/** One character a byte keeps bytes distinct that are no text. */
function rawText(reader: ProtobufReader, start: number, end: number): string {
  return reader.bytes.toString('latin1', start, end)
}

/**
 * The value of a header in `headers` with those in `header_map`. Repeated headers are joined as Envoy joins
 * them: with a comma. A peer that fills both encodings says each thing twice; saying two things is
 * refused later.
 */
function joined(mapped: string | undefined, [first = '', ...others]: readonly string[]): string {
  const own = mapped === undefined || mapped === first ? [first] : [mapped, first]
  return [...own, ...others].join(',')
}
