import { frameFlag } from '../../src/adapters/http2/protocol.ts'
import { createRandomEncoder } from './hpack-encoder.ts'
import type { HeaderField } from './hpack-reference.ts'
import { dataOf, frameOf, headersOf, messageOf } from './http2-frames.ts'

/** A request as octets in pieces, each sent by itself, and what is unusual about it. */
export interface RandomRequest {
  readonly fields: readonly HeaderField[]
  /** All DATA. */
  readonly body: Buffer
  readonly description: string
  readonly pieces: readonly Uint8Array[]
}

const streamId = 1

/** Makes requests: mostly right ones, each of them with few things unusual or wrong. */
export function createRandomRequests(random: () => number): () => RandomRequest {
  const below = (limit: number): number => Math.floor(random() * limit)
  const chance = (share: number): boolean => random() < share
  const pick = <T>(...values: readonly T[]): T => values[below(values.length)] as T
  const unusual: string[] = []
  function rarely<T>(share: number, usual: T, what: string, ...others: readonly T[]): T {
    if (!chance(share)) return usual
    const other = pick(...others)
    unusual.push(`${what} ${JSON.stringify(other)}`)
    return other
  }

  function fields(): HeaderField[] {
    const pseudo: (HeaderField | undefined)[] = [
      [':method', rarely(0.05, 'POST', 'method', 'GET', 'PUT', 'OPTIONS', 'HEAD', '')],
      [':scheme', rarely(0.03, 'http', 'scheme', 'https', '')],
      [
        ':path',
        rarely(
          ...[0.1, '/test.Echo/Echo', 'path', '/test.Echo/Missing', '/test.Missing/Echo'],
          ...['/', '', '*', 'test.Echo/Echo', '/test.Echo/Echo/', '/grpc.health.v1.Health/Check'],
        ),
      ],
      rarely(0.1, [':authority', 'test'], 'authority', undefined),
      rarely<HeaderField | undefined>(
        0.03,
        undefined,
        'pseudo',
        ...([
          [':method', 'POST'],
          [':status', '200'],
          [':path', '/'],
          [':protocol', 'x'],
        ] as const),
      ),
    ]
    const type = rarely(
      ...[0.1, 'application/grpc', 'content-type', undefined, 'application/grpc+proto'],
      ...['application/json', 'application/grpc-web', 'text/plain', 'application/grpc;a=b'],
    )
    const te = rarely(0.06, 'trailers', 'te', undefined, 'deflate', 'Trailers')
    const timeout = rarely(
      ...[0.3, undefined, 'timeout', '5S', '1H', '99999999H', '30000m', '9000000u', '5', '1x'],
      ...['-1S', '', '123456789m', ' 5S', '5 S'],
    )
    const encoding = rarely(0.1, undefined, 'encoding', 'identity', 'gzip', 'unknown', '')
    const regular: (readonly [string, string | undefined])[] = [
      ['content-type', type],
      ['te', te],
      ['grpc-timeout', timeout],
      ['grpc-encoding', encoding],
      ['user-agent', chance(0.5) ? 'test' : undefined],
      ['x-metadata', chance(0.3) ? 'v'.repeat(below(3_000)) : undefined],
      ['x-octets-bin', chance(0.2) ? Buffer.alloc(below(40), 7).toString('base64') : undefined],
      rarely<readonly [string, string | undefined]>(
        0.06,
        ['x', undefined],
        'field',
        ...([
          ['X-Upper', 'x'],
          ['connection', 'close'],
          ['keep-alive', '5'],
          ['upgrade', 'h2c'],
          ['transfer-encoding', 'chunked'],
          ['proxy-connection', 'x'],
          ['x', 'a\u0000b'],
          ['x', ' a'],
          ['x', 'a\r\nb'],
          ['', 'x'],
          ['x y', 'z'],
          ['accept-encoding', 'gzip'],
          ['grpc-accept-encoding', 'identity,gzip'],
        ] as const),
      ),
    ]
    const known = regular.flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    )
    return [...pseudo.filter((field) => field !== undefined), ...known]
  }

  /** All DATA of the request. */
  function body(): Buffer {
    const length = pick(0, 1, 5, 100, 1_400, below(3_000), below(20_000))
    const octets = Buffer.from(Array.from({ length }, () => below(256)))
    const flag = rarely(0.05, 0, 'flag', 1, 2, 255)
    const one = messageOf(octets, flag)
    const form = rarely(
      ...[0.12, 'one', 'messages', 'none', 'two', 'cut off', 'cut off in the prefix'],
      ...['more than announced', 'too long'],
    )
    if (form === 'none') return Buffer.alloc(0)
    if (form === 'two') return Buffer.concat([one, messageOf('x')])
    if (form === 'cut off') return one.subarray(0, one.length - 1)
    if (form === 'cut off in the prefix') return one.subarray(0, 1 + below(4))
    if (form === 'more than announced') return Buffer.concat([one, Buffer.alloc(1 + below(4))])
    if (form === 'too long') return Buffer.concat([messageOf(Buffer.alloc(40_000), flag)])
    return one
  }

  function padded(part: Uint8Array, endStream: boolean): Buffer {
    if (chance(0.7)) return dataOf(streamId, part, { endStream })
    const padding = below(256)
    return frameOf('data', {
      streamId,
      flags: frameFlag.padded | (endStream ? frameFlag.endStream : 0),
      payload: Buffer.concat([Buffer.of(padding), part, Buffer.alloc(padding)]),
    })
  }

  function frames(head: Uint8Array, octets: Buffer): Buffer[] {
    const ending = rarely(0.1, 'data', 'ends with', 'empty data', 'trailers')
    const cuts = chance(0.5) ? [] : Array.from({ length: below(6) }, () => below(octets.length + 1))
    const bounds = [0, ...cuts.sort((a, b) => a - b), octets.length]
    const parts = bounds.slice(1).map((to, at) => octets.subarray(bounds[at], to))
    const small = parts.flatMap((part) =>
      part.length <= 16_000
        ? [part]
        : [part.subarray(0, 16_000), part.subarray(16_000, 32_000), part.subarray(32_000)],
    )
    const data = small.map((part, at) => padded(part, ending === 'data' && at === small.length - 1))
    if (ending === 'empty data') data.push(padded(Buffer.alloc(0), true))
    if (ending === 'trailers') {
      data.push(headersOf(streamId, [['x-trailer', 'x']], { endStream: true }))
    }
    return [headersOf(streamId, head), ...data]
  }

  return () => {
    unusual.length = 0
    const list = fields()
    const octets = body()
    if (chance(0.1)) {
      const wrong = rarely(0.3, 0, 'content-length off by', 1, -1)
      list.push(['content-length', String(Math.max(0, octets.length + wrong))])
    }
    const whole = Buffer.concat(frames(createRandomEncoder(random).encode(list), octets))
    const cuts = chance(0.6) ? [] : Array.from({ length: 1 + below(4) }, () => below(whole.length))
    const bounds = [0, ...cuts.sort((a, b) => a - b), whole.length]
    return {
      fields: list,
      body: octets,
      description: unusual.join('; '),
      pieces: bounds.slice(1).map((to, at) => whole.subarray(bounds[at], to)),
    }
  }
}
