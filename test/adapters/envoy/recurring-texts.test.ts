import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  MalformedMessageError,
  ProtobufReader,
} from '../../../src/adapters/envoy/protobuf-reader.ts'
import { RecurringTexts } from '../../../src/adapters/envoy/recurring-texts.ts'

/** Counts how often a text had to be made. */
class CountingReader extends ProtobufReader {
  made = 0
  override text(start: number, end: number): string {
    this.made += 1
    return super.text(start, end)
  }
}

function createTexts() {
  const reader = new CountingReader()
  const texts = new RecurringTexts()
  // A transport reads all messages into the same memory.
  const memory = Buffer.alloc(8_192)
  function read(bytes: Buffer | string, at = 0): string {
    const { length } = Buffer.from(bytes)
    Buffer.from(bytes).copy(memory, at)
    reader.open(memory, at)
    return texts.read(reader, at, at + length)
  }
  function madeFor(act: () => unknown): number {
    const before = reader.made
    act()
    return reader.made - before
  }
  return { madeFor, read }
}

const tail = '-the-same-end'
const token = (index: number): string => `Bearer ${'x'.repeat(400)}${index}${tail}`

it('a text is made twice, and then found, wherever it stands', () => {
  const { madeFor, read } = createTexts()
  expect(madeFor(() => read(token(1)))).toBe(1)
  expect(madeFor(() => read(token(1), 3))).toBe(1)
  for (const at of [0, 1, 700]) expect(madeFor(() => read(token(1), at))).toBe(0)
})

it('texts that differ in their beginning alone are told apart', () => {
  const { read } = createTexts()
  const all = [token(1), token(2), token(1), token(1), token(2), token(2), token(1), token(3)]
  for (const text of [...all, ...all, ...all]) expect(read(text)).toBe(text)
})

it('what comes once does not push out what comes again', () => {
  const { madeFor, read } = createTexts()
  read(token(1))
  read(token(1))
  const others = madeFor(() => {
    for (let index = 0; index < 100_000; index += 1)
      read(`${(index * 2_654_435_761).toString(36)}${tail}${index}`)
  })
  expect(others).toBe(100_000)
  expect(madeFor(() => read(token(1)))).toBe(0)
})

it('more texts than there are places are all read right', () => {
  const { read } = createTexts()
  for (let round = 0; round < 3; round += 1) {
    for (let index = 0; index < 40_000; index += 1) {
      const text = `Bearer ${index}.${(index * 2_654_435_761).toString(36)}.${index.toString(36)}`
      if (read(text) !== text) expect.unreachable(text)
    }
  }
})

it('whatever the bytes are, the text is what the reader makes of them', () => {
  const ends = ['abcdefghijkl', 'abcdefghijkm', 'ééééééééé', '€uro and more']
  const texts = fc
    .tuple(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constantFrom(...ends))
    .map(([begin, end]) => begin + end)
  fc.assert(
    fc.property(
      fc.array(texts, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.nat(3)),
      (some, order) => {
        const { read } = createTexts()
        for (let index = 0; index < 30; index += 1) {
          const text = some[(order.next().value ?? 0) % some.length] ?? ''
          expect(read(text)).toBe(Buffer.from(text).toString())
        }
      },
    ),
    { numRuns: 300 },
  )
})

it.each([0, 1, 11, 12, 13, 1_023, 1_024, 1_025, 8_000])('a text of %i bytes is read', (length) => {
  const { read } = createTexts()
  const text = 'a'.repeat(length)
  for (let index = 0; index < 4; index += 1) expect(read(text)).toBe(text)
})

it('bytes that are no text are refused each time', () => {
  const { read } = createTexts()
  const bytes = Buffer.concat([Buffer.alloc(50, 'a'), Buffer.from([0xff]), Buffer.alloc(20, 'b')])
  for (let index = 0; index < 4; index += 1)
    expect(() => read(bytes)).toThrow(MalformedMessageError)
})
