import { expect, it } from 'vitest'
import { captureHeaderBlocks } from '../../support/hpack-capture.ts'
import { createRandomEncoder } from '../../support/hpack-encoder.ts'
import {
  assertSameHead,
  fuzzHpack,
  newHpackDecoder,
  randomFields,
} from '../../support/hpack-fuzz.ts'
import { createReferenceDecoder, type HeaderField } from '../../support/hpack-reference.ts'
import { seededRandom } from '../../support/seeded-random.ts'

it('reads what any encoder may send, as the fields mean', () => {
  for (let seed = 0; seed < 100; seed += 1) {
    const random = seededRandom(seed)
    const { encode } = createRandomEncoder(random)
    const decode = newHpackDecoder()
    for (let block = 0; block < 12; block += 1) {
      const fields = randomFields(random)
      assertSameHead(decode(encode(fields)), fields)
    }
  }
})

it('agrees with a plain decoder on damaged blocks, and never throws', () => {
  const results = Array.from({ length: 600 }, (_, seed) => fuzzHpack(seed)).flat()
  for (const result of ['ok', 'too-large', 'compression-error']) {
    expect(results.filter((other) => other === result).length).toBeGreaterThan(40)
  }
})

it("reads what nghttp2's encoder sends, in table and out of it", async () => {
  const random = seededRandom(11)
  const below = (limit: number): number => Math.floor(random() * limit)
  const octet = (): string =>
    String.fromCharCode(...[33 + below(94), 161 + below(94)].slice(below(2)))
  const lists = Array.from({ length: 300 }, (_, place): Record<string, string> => {
    const extra = Array.from({ length: below(5) }, (): HeaderField => [
      `x-${below(30).toString(36)}`,
      Array.from({ length: below(below(10) === 0 ? 900 : 30) }, octet).join(''),
    ])
    return Object.fromEntries([
      [':method', 'POST'],
      [':path', ['/a.B/C', '/grpc.health.v1.Health/Check'][below(2)] ?? ''],
      ['te', 'trailers'],
      ['content-type', 'application/grpc'],
      ['grpc-timeout', `${below(place % 3 === 0 ? 3 : 9_999)}m`],
      ...extra,
      // Not indexed by that encoder.
      ['content-length', String(below(1_000))],
    ])
  })
  const blocks = await captureHeaderBlocks(lists)
  const decode = newHpackDecoder()
  const reference = createReferenceDecoder()
  for (const [place, block] of blocks.entries()) {
    const decoded = decode(block)
    assertSameHead(decoded, reference.decode(block))
    const sent = lists[place] ?? {}
    expect(decoded.head).toMatchObject({
      malformed: false,
      path: sent[':path'],
      contentLength: Number(sent['content-length']),
      timeoutMs: Number.parseInt(sent['grpc-timeout'] ?? ''),
    })
  }
  expect(blocks.length).toBe(lists.length)
})
