import { encodeHuffman } from '../../src/adapters/http2/huffman-encode.ts'
import { staticFields, type HeaderField } from './hpack-reference.ts'

/** How a literal is sent (RFC 7541 section 6.2). */
export type Indexing = 'incremental' | 'without' | 'never'

const forms = {
  incremental: { flags: 0x40, bits: 6 },
  without: { flags: 0x00, bits: 4 },
  never: { flags: 0x10, bits: 4 },
} as const

/** An integer after `flags` in a prefix of `bits`. */
export function encodeInteger(value: number, flags: number, bits: number): number[] {
  const mask = 2 ** bits - 1
  if (value < mask) return [flags | value]
  const octets = [flags | mask]
  let rest = value - mask
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 128)
  return [...octets, rest]
}

/** A string literal; its octets are given as latin1 text. */
export function encodeString(text: string, huffman: boolean): number[] {
  const raw = Buffer.from(text, 'latin1')
  const octets = huffman ? encodeHuffman(raw) : raw
  return [...encodeInteger(octets.length, huffman ? 0x80 : 0, 7), ...octets]
}

/** A literal field; `name` is an index or text. */
export function encodeLiteral(
  name: number | string,
  value: string,
  { indexing = 'without', huffman = false }: { indexing?: Indexing; huffman?: boolean } = {},
): number[] {
  const { bits, flags } = forms[indexing]
  return [
    ...encodeInteger(typeof name === 'number' ? name : 0, flags, bits),
    ...(typeof name === 'string' ? encodeString(name, huffman) : []),
    ...encodeString(value, huffman),
  ]
}

export const encodeIndexed = (index: number): number[] => encodeInteger(index, 0x80, 7)

export const encodeSizeUpdate = (bytes: number): number[] => encodeInteger(bytes, 0x20, 5)

/** A block of literals, for tests that want no table: names from the static table or as text. */
export function plainBlock(fields: readonly HeaderField[]): Uint8Array {
  return Uint8Array.from(fields.flatMap(([name, value]) => encodeLiteral(name, value)))
}

/**
 * An encoder that takes, at random, any of the forms that are right for a field, and keeps the table
 * that a decoder must have.
 */
export function createRandomEncoder(random: () => number): {
  readonly encode: (fields: readonly HeaderField[]) => Uint8Array
} {
  let table: HeaderField[] = []
  let limit = 4096
  const chance = (share: number): boolean => random() < share
  const sizeOf = ([name, value]: HeaderField): number => name.length + value.length + 32
  function evict(): void {
    let bytes = 0
    const kept = table.findIndex((field) => (bytes += sizeOf(field)) > limit)
    if (kept >= 0) table = table.slice(0, kept)
  }
  /** A random one of the indices whose field is fit. */
  function indexOf(fit: (field: HeaderField) => boolean): number {
    const indices = [...staticFields, ...table].flatMap((f, place) => (fit(f) ? [place + 1] : []))
    return indices[Math.floor(random() * indices.length)] ?? 0
  }
  function resized(): number[] {
    if (!chance(0.1)) return []
    limit = Math.floor(random() * 4097)
    const low = chance(0.3) ? Math.floor(random() * limit) : limit
    const final = limit
    limit = low
    evict()
    limit = final
    evict()
    return [...(low === final ? [] : encodeSizeUpdate(low)), ...encodeSizeUpdate(final)]
  }
  function encoded(field: HeaderField): number[] {
    const whole = indexOf(([name, value]) => name === field[0] && value === field[1])
    if (whole > 0 && chance(0.8)) return encodeIndexed(whole)
    const indexing = (['incremental', 'without', 'never'] as const)[Math.floor(random() * 3)]
    const name = chance(0.7) ? indexOf(([other]) => other === field[0]) : 0
    const octets = encodeLiteral(name === 0 ? field[0] : name, field[1], {
      indexing: indexing ?? 'without',
      huffman: chance(0.5),
    })
    if (indexing === 'incremental') {
      table = [field, ...table]
      evict()
    }
    return octets
  }
  return { encode: (fields) => Uint8Array.from([...resized(), ...fields.flatMap(encoded)]) }
}
