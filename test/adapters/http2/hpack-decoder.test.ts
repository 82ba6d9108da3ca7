import { describe, expect, it } from 'vitest'
import type { RequestHead } from '../../../src/adapters/http2/hpack-request-head.ts'
import { decode, newDecoder, path } from '../../support/hpack-decoding.ts'
import { encodeIndexed, encodeLiteral, encodeSizeUpdate } from '../../support/hpack-encoder.ts'

const hex = (text: string): number[] => [...Buffer.from(text.replaceAll(' ', ''), 'hex')]

describe('the examples of RFC 7541, appendix C', () => {
  it.each([
    ['C.2.1', '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', 55, ''],
    ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', 49, '/sample/path'],
    ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', 46, ''],
    ['C.2.4', '82', 42, ''],
  ])('%s is read', (_example, octets, listSize, path) => {
    expect(decode(hex(octets))).toMatchObject({ result: 'ok', head: { listSize, path } })
  })

  const first = { path: '/', listSize: 42 + 43 + 38 + 57, malformed: false }
  const second = { ...first, listSize: first.listSize + 53 }
  const third = {
    path: '/index.html',
    listSize: 42 + 44 + 48 + 57 + 54,
    malformed: false,
  }
  it.each([
    [
      'C.3, in plain octets',
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    [
      'C.4, in Huffman code',
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
  ])('%s: three requests on a connection', (_example, ...blocks) => {
    const decoder = newDecoder()
    const heads = blocks.map((block) => decode(hex(block), decoder))
    expect(heads).toMatchObject([{ head: first }, { head: second }, { head: third }])
  })

  it.each([
    [
      'C.5, in plain octets',
      '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '4803 3330 37c1 c0bf',
      '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
    ],
    [
      'C.6, in Huffman code',
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      '4883 640e ffc1 c0bf',
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ],
  ])('%s: three answers, with evictions from a table of 256', (_example, ...blocks) => {
    const decoder = newDecoder()
    decode(encodeSizeUpdate(256), decoder)
    const sizes = blocks.map((block) => decode(hex(block), decoder).head.listSize)
    expect(sizes).toEqual([222, 222, 42 + 52 + 65 + 63 + 52 + 98])
    // What is left of the table: three entries, 215 octets.
    expect(decode([0xbe, 0xbf, 0xc0], decoder).head.listSize).toBe(215)
    expect(decode([0xc1], decoder).result).toBe('compression-error')
  })
})

const post = encodeIndexed(3)
const http = encodeIndexed(6)
const checkHead = {
  ...{ method: 'POST', path, contentTypeIsGrpc: true, teTrailers: true, timeoutMs: 250 },
  ...{ encoding: '', contentLength: -1, malformed: false },
} satisfies Partial<RequestHead>

describe('what clients send', () => {
  it.each([true, false])('a check, with Huffman code: %s; again from the table', (huffman) => {
    const decoder = newDecoder()
    const incremental = { indexing: 'incremental', huffman } as const
    const checkPath = encodeLiteral(4, path, { huffman })
    const begin = [...post, ...checkPath, ...encodeLiteral(1, 'ext_authz', incremental), ...http]
    const block = [
      ...begin,
      ...encodeLiteral('te', 'trailers', incremental),
      ...encodeLiteral('grpc-timeout', '250m', incremental),
      ...encodeLiteral(31, 'application/grpc', incremental),
    ]
    expect(decode(block, decoder)).toMatchObject({ result: 'ok', head: checkHead })
    const indexed = [65, 64, 63, 62].flatMap(encodeIndexed)
    const again = [...post, ...checkPath, ...http, ...indexed]
    expect(decode(again, decoder)).toMatchObject({ result: 'ok', head: checkHead })
  })

  it('a known path is the same string, however it is coded', () => {
    const decoder = newDecoder()
    const paths = [true, false].flatMap((huffman) => {
      const indexed = encodeLiteral(4, path, { indexing: 'incremental', huffman })
      const literal = encodeLiteral(4, path, { indexing: 'never', huffman })
      return [indexed, encodeIndexed(62), literal].map(
        (octets) => decode(octets, decoder).head.path,
      )
    })
    expect(paths).toEqual(Array(6).fill(path))
  })

  it.each(['/x', `${path}x`, path.slice(0, -1), `${path.slice(0, -1)}x`, '/\u00e4'])(
    'an unknown path, %s, is read as it is',
    (unknown) => {
      for (const huffman of [true, false]) {
        const { head } = decode([...post, ...encodeLiteral(4, unknown, { huffman }), ...http])
        expect(head).toMatchObject({ path: unknown, malformed: false })
      }
    },
  )

  it.each([
    ['1999991u', 1999.991],
    ['250m', 250],
    ['0m', 0],
    ['99999999H', 99_999_999 * 3.6e6],
    ['2M', 120_000],
    ['3S', 3_000],
    ['5n', 5e-6],
    ['123456789m', NaN],
    ['m', NaN],
    ['', NaN],
    ['1', NaN],
    ['1x', NaN],
    ['-1m', NaN],
    ['1.5S', NaN],
    ['1 m', NaN],
    ['1s', NaN],
    ['1\u00ed', NaN],
  ])('grpc-timeout %j is %d ms', (value, timeoutMs) => {
    const { head } = decode([...encodeLiteral('grpc-timeout', value)])
    expect(Number(head.timeoutMs.toPrecision(15))).toBe(timeoutMs)
    expect(head.malformedAsTrailers).toBe(false)
  })

  it.each([
    ['application/grpc', true],
    ['application/grpc+proto', true],
    ['application/grpc;charset=utf-8', true],
    ['Application/GRPC', true],
    ['application/grpc-web', false],
    ['application/grp', false],
    ['application/json', false],
    ['', false],
  ])('content-type %j is gRPC: %s', (value, grpc) => {
    expect(decode(encodeLiteral(31, value)).head.contentTypeIsGrpc).toBe(grpc)
  })

  it('two content types are gRPC only if both are', () => {
    const grpc = encodeLiteral(31, 'application/grpc')
    const json = encodeLiteral(31, 'application/json')
    const isGrpc = (octets: number[]): boolean => decode(octets).head.contentTypeIsGrpc
    expect(
      [
        [...grpc, ...grpc],
        [...grpc, ...json],
        [...json, ...grpc],
      ].map(isGrpc),
    ).toEqual([...[true, false, false]])
  })

  it('two timeouts are none that can be kept', () => {
    const timeout = encodeLiteral('grpc-timeout', '5S')
    expect(decode([...timeout, ...timeout]).head.timeoutMs).toBeNaN()
  })
})
