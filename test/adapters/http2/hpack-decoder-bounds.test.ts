import { describe, expect, it } from 'vitest'
import { decode, newDecoder, path } from '../../support/hpack-decoding.ts'
import {
  encodeIndexed,
  encodeInteger,
  encodeLiteral,
  encodeSizeUpdate,
  encodeString,
  plainBlock,
} from '../../support/hpack-encoder.ts'

const post = encodeIndexed(3)

describe('compression errors', () => {
  it.each([
    ['index 0', [0x80]],
    ['an index past the static and the empty dynamic table', [0x80 | 62]],
    ['an index far past them', encodeIndexed(10_000)],
    ['a name past the tables', encodeLiteral(62, 'x')],
    ['a name far past them', encodeLiteral(100_000, 'x', { indexing: 'incremental' })],
    ['an index that is cut off', [0xff]],
    ['an index whose continuation is cut off', [0xff, 0x80]],
    ['a literal without a name', [0x40]],
    ['a literal without a value', [0x44]],
    ['a value shorter than its length', [0x44, 5, 0x2f, 0x61]],
    ['a name shorter than its length', [0x40, 5, 0x61]],
    ['a length of 2^28 and more', [0x44, 0x7f, 0xff, 0xff, 0xff, 0xff, 0x00]],
    ['an integer of many octets', [0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['an integer that would overflow to a small one', [0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    [
      'a length that would overflow to one that is there',
      [0x44, 0x7f, 0x80, 0x80, 0x80, 0x80, 0x10, ...Array<number>(127).fill(0x2f)],
    ],
    ['a size update above what is allowed', encodeSizeUpdate(4097)],
    ['a size update after a field', [...post, ...encodeSizeUpdate(0)]],
    ['a size update that is cut off', [0x3f]],
    ['Huffman padding of 8 bits', [0x44, 0x82, 0x63, 0xff]],
    ['Huffman padding of zeros', [0x44, 0x81, 0x60]],
    ['Huffman padding with a zero in it', [0x44, 0x81, 0x65]],
    ['an end of string in a value', [0x44, 0x84, 0xff, 0xff, 0xff, 0xff]],
    ['an end of string in a name', [0x40, 0x84, 0xff, 0xff, 0xff, 0xfc, 0x01, 0x61]],
    ['an end of string after text', [0x44, 0x85, 0x63, 0xff, 0xff, 0xff, 0xff]],
    ['a Huffman code that is cut off', [0x44, 0x82, 0xff, 0xf0]],
    ['a wrong name where nobody reads it', [0x00, 0x82, 0x63, 0xff, 0x01, 0x61]],
  ])('%s', (_fault, octets) => {
    expect(decode([...octets]).result).toBe('compression-error')
  })

  it('the same is right where there is no fault in it', () => {
    const fine = [
      [...encodeSizeUpdate(0), ...encodeSizeUpdate(4096), ...post],
      [0x44, 0x81, 0x63],
      [0x44, 0x80],
      [...encodeInteger(0, 0x40, 6), ...encodeString('x', true), ...encodeString('', false)],
    ]
    expect(fine.map((octets) => decode(octets).result)).toEqual(['ok', 'ok', 'ok', 'ok'])
  })
})

describe('the size of the list', () => {
  const big = (bytes: number): number[] =>
    encodeLiteral('a', 'x'.repeat(bytes - 33), { indexing: 'incremental' })

  it('is bounded, and the table is in step all the same', () => {
    const decoder = newDecoder(8_000)
    const bomb = [...big(4_000), ...Array<number>(3).fill(0x80 | 62)]
    expect(decode(bomb, decoder)).toMatchObject({
      result: 'too-large',
      head: { listSize: 16_000 },
    })
    const last = [...encodeLiteral(4, path, { indexing: 'incremental' }), 0x80 | 62, 0x80 | 63]
    expect(decode(last.slice(0, -1), decoder).head.path).toBe(path)
    // The path is 42 + 5 + 32 octets: the large entry was evicted for the second of them.
    expect(decode([0x80 | 62], decoder)).toMatchObject({ result: 'ok', head: { path } })
  })

  it.each([
    [200, 'ok'],
    [199, 'too-large'],
  ] as const)('a list of 200 is, where %d are allowed: %s', (maxListBytes, result) => {
    expect(decode(big(200), newDecoder(maxListBytes)).result).toBe(result)
  })

  it('counts names without a value and values without a name', () => {
    const fields = plainBlock([
      ['', ''],
      ['', 'abc'],
      ['abc', ''],
    ])
    expect(decode([...fields]).head).toMatchObject({ listSize: 102, malformedAsTrailers: true })
  })

  it('an entry that is larger than the table empties it', () => {
    const decoder = newDecoder()
    decode([...big(100), ...big(4_097)], decoder)
    expect(decode([0x80 | 62], decoder).result).toBe('compression-error')
    const next = newDecoder()
    decode([...big(100), ...big(4_096)], next)
    expect(decode([0x80 | 62], next).head.listSize).toBe(4_096)
    expect(decode([0x80 | 63], next).result).toBe('compression-error')
  })

  it('a name may be taken from the entry that is evicted for it', () => {
    const decoder = newDecoder()
    decode([...encodeLiteral(4, '/first', { indexing: 'incremental' }), ...big(4_000)], decoder)
    const again = encodeLiteral(63, path, { indexing: 'incremental' })
    expect(decode(again, decoder).head.path).toBe(path)
    expect(decode([0x80 | 62], decoder).head.path).toBe(path)
    expect(decode([0x80 | 63], decoder).head.listSize).toBe(4_000)
    expect(decode([0x80 | 64], decoder).result).toBe('compression-error')
  })

  it('as many entries fit as there can be', () => {
    const decoder = newDecoder()
    const empty = encodeLiteral('', '', { indexing: 'incremental' })
    decode(Array<number[]>(200).fill(empty).flat(), decoder)
    expect(decode(encodeIndexed(62 + 127), decoder).head.listSize).toBe(32)
    expect(decode(encodeIndexed(62 + 128), decoder).result).toBe('compression-error')
  })
})
