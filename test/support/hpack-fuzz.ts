import { deepStrictEqual } from 'node:assert/strict'
import { createHpackDecoder, type DecodeResult } from '../../src/adapters/http2/hpack-decoder.ts'
import { createRequestHead, type RequestHead } from '../../src/adapters/http2/hpack-request-head.ts'
import { createRandomEncoder } from './hpack-encoder.ts'
import { judgeFields } from './hpack-judge.ts'
import { createReferenceDecoder, type HeaderField } from './hpack-reference.ts'
import { seededRandom } from './seeded-random.ts'

const paths = ['/grpc.health.v1.Health/Check', '/envoy.service.auth.v3.Authorization/Check']
const maxListBytes = 2_000

/** A decoder, and the head of the block that it decoded last. */
export function newHpackDecoder(): (block: Uint8Array) => {
  readonly result: DecodeResult
  readonly head: RequestHead
} {
  const decoder = createHpackDecoder({ knownPaths: paths, maxListBytes })
  const head = createRequestHead()
  return (block) => ({ result: decoder.decode(block, 0, block.length, head), head })
}

const names = [
  ...[':method', ':path', ':scheme', ':authority', ':status', 'te', 'content-type', 'x-a', 'host'],
  ...['grpc-timeout', 'grpc-encoding', 'content-length', 'connection', 'cookie', 'traceparent'],
  ...['user-agent', 'x-envoy-internal', 'X-Upper', ''],
]
const values = [
  ...['POST', 'GET', 'CONNECT', 'http', '/', '*', ...paths, 'trailers', '250m', '7', ' x', ''],
  ...['application/grpc', 'application/grpc+proto', 'gzip', 'identity', 'x\t', 'a b'],
]

/** A list of fields, now and then one that is a request. */
export function randomFields(random: () => number): HeaderField[] {
  const below = (limit: number): number => Math.floor(random() * limit)
  const text = (): string =>
    Array.from({ length: below(20) }, () => String.fromCharCode(below(256))).join('')
  const field = (): HeaderField => {
    const name = names[below(names.length * 2)] ?? text()
    const value = values[below(values.length * 2)] ?? text()
    return [name, random() < 0.03 ? 'v'.repeat(below(6_000)) : value]
  }
  const rest = Array.from({ length: below(9) }, field)
  if (random() < 0.5) return rest
  return [[':method', 'POST'], [':scheme', 'http'], [':path', paths[below(2)] ?? ''], ...rest]
}

/** Throws unless a block means to the decoder what it means to the plain one. */
export function assertSameHead(
  { result, head }: { readonly result: DecodeResult; readonly head: RequestHead },
  fields: readonly HeaderField[],
): void {
  const wanted = judgeFields(fields)
  deepStrictEqual(result, wanted.listSize > maxListBytes ? 'too-large' : 'ok')
  deepStrictEqual(relevant(head), relevant(wanted))
}

/** Only of a request that is well formed the rest is read. */
function relevant(head: RequestHead): Partial<RequestHead> {
  const { malformed, malformedAsTrailers, listSize } = head
  return malformed ? { malformed, malformedAsTrailers, listSize } : { ...head }
}

/**
 * Decodes some blocks of a connection, damaged or not, and throws where the decoder does not agree
 * with the plain one; gives what came of each.
 */
export function fuzzHpack(seed: number): readonly DecodeResult[] {
  const random = seededRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const { encode } = createRandomEncoder(random)
  const decode = newHpackDecoder()
  const reference = createReferenceDecoder()
  const results: DecodeResult[] = []
  const isDamaged = random() < 0.7
  for (let block = 0; block < 6; block += 1) {
    let octets = encode(randomFields(random))
    if (isDamaged) {
      if (octets.length > 3_000) octets = octets.subarray(0, below(60))
      for (let change = below(4); change > 0 && octets.length > 0; change -= 1) {
        octets[below(octets.length)] = below(256)
      }
      if (random() < 0.1) octets = Uint8Array.from({ length: below(40) }, () => below(256))
    }
    const decoded = decode(octets)
    results.push(decoded.result)
    let fields: HeaderField[]
    try {
      fields = reference.decode(octets)
    } catch {
      deepStrictEqual(decoded.result, 'compression-error', `seed ${seed}`)
      return results
    }
    assertSameHead(decoded, fields)
  }
  return results
}
