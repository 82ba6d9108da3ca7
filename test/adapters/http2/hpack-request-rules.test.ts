import { describe, expect, it } from 'vitest'
import { createHpackDecoder } from '../../../src/adapters/http2/hpack-decoder.ts'
import {
  createRequestHead,
  type RequestHead,
} from '../../../src/adapters/http2/hpack-request-head.ts'
import { encodeIndexed, encodeLiteral, plainBlock } from '../../support/hpack-encoder.ts'
import { judgeFields } from '../../support/hpack-judge.ts'
import type { HeaderField } from '../../support/hpack-reference.ts'

function headOf(block: Uint8Array): RequestHead {
  const head = createRequestHead()
  const decoder = createHpackDecoder({ knownPaths: [], maxListBytes: 65_536 })
  expect(decoder.decode(block, 0, block.length, head)).toBe('ok')
  return head
}

const method: HeaderField = [':method', 'POST']
const path: HeaderField = [':path', '/a.B/C']
const scheme: HeaderField = [':scheme', 'http']
const authority: HeaderField = [':authority', 'ext_authz']
const pseudo = [method, scheme, path, authority]
const regular: HeaderField[] = [
  ['te', 'trailers'],
  ['content-type', 'application/grpc'],
]
const request = [...pseudo, ...regular]

describe('a request that is well formed', () => {
  it.each<[string, HeaderField[]]>([
    ['as gRPC sends it', request],
    ['without an authority', [method, scheme, path, ...regular]],
    ['without anything else', [method, scheme, path]],
    ['with pseudo-header fields in another order', [authority, path, scheme, method]],
    ['with an unknown method', [[':method', 'BREW'], scheme, path]],
    ['with another scheme', [method, [':scheme', 'unix'], path]],
    ['of OPTIONS for the server', [[':method', 'OPTIONS'], scheme, [':path', '*']]],
    ['a CONNECT', [[':method', 'CONNECT'], authority]],
    ['with host', [...request, ['host', 'other']]],
    ['with TE in another case', [...pseudo, ['te', 'Trailers']]],
    ['with values of tabs and octets above 127', [...request, ['a', 'b\t\u00ff c']]],
    ['with an empty value', [...request, ['a', '']]],
    ['with a name of all that is allowed', [...request, ["!#$%&'*+-.^_`|~09az", 'x']]],
    ['with a content length', [...request, ['content-length', '7']]],
    ['with the same one twice', [...request, ['content-length', '7'], ['content-length', '7']]],
    ['with a repeated field', [...request, ['cookie', 'a'], ['cookie', 'b']]],
  ])('%s', (_form, fields) => {
    expect(headOf(plainBlock(fields))).toEqual(judgeFields(fields))
    expect(judgeFields(fields).malformed).toBe(false)
  })
})

const faulty: [string, HeaderField[]][] = [
  ['without :method', [scheme, path]],
  ['without :scheme', [method, path]],
  ['without :path', [method, scheme]],
  ['with nothing', []],
  ['with :method twice', [method, ...request]],
  ['with :path twice', [path, ...request]],
  ['with :scheme twice', [scheme, ...request]],
  ['with :authority twice', [authority, ...request]],
  ['with a pseudo-header field after another field', [method, scheme, ['a', 'b'], path]],
  ['with one of them after a forbidden field', [method, scheme, ['A', 'b'], path]],
  ['with an unknown one', [[':protocol', 'x'], ...request]],
  ['with :status', [[':status', '200'], ...request]],
  ['with a name of a colon', [[':', ''], ...request]],
  ['with an empty path', [method, scheme, [':path', '']]],
  ['with a path that begins otherwise', [method, scheme, [':path', 'a']]],
  ['with the path *', [method, scheme, [':path', '*']]],
  ['with OPTIONS and **', [[':method', 'OPTIONS'], scheme, [':path', '**']]],
  ['with an empty method', [[':method', ''], scheme, path]],
  ['with an empty scheme', [method, [':scheme', ''], path]],
  ['a CONNECT with a path', [[':method', 'CONNECT'], authority, path]],
  ['a CONNECT with a scheme', [[':method', 'CONNECT'], authority, scheme]],
  ['a CONNECT without authority', [[':method', 'CONNECT']]],
]

const faultyFields: [string, HeaderField[]][] = [
  ['an empty name', [['', 'x']]],
  ['an upper-case name', [['X-a', 'b']]],
  ['a name in upper case that would mean something', [['TE', 'trailers']]],
  ['a space in a name', [['a b', 'c']]],
  ['a colon in a name', [['a:b', 'c']]],
  ['a control byte in a name', [['a\u0001', 'c']]],
  ['an octet above 127 in a name', [['\u00e4', 'c']]],
  ['a DEL in a name', [['a\u007f', 'c']]],
  ['a zero in a value', [['a', 'b\u0000c']]],
  ['a line feed in a value', [['a', 'b\nc']]],
  ['a carriage return in a value', [['a', 'b\rc']]],
  ['another control byte in a value', [['a', 'b\u001fc']]],
  ['a DEL in a value', [['a', 'b\u007f']]],
  ['a space before a value', [['a', ' b']]],
  ['a tab before a value', [['a', '\tb']]],
  ['a space after a value', [['a', 'b ']]],
  ['a value of one space', [['a', ' ']]],
  ['a space after a timeout', [['grpc-timeout', '5m ']]],
  ['connection', [['connection', 'close']]],
  ['proxy-connection', [['proxy-connection', 'close']]],
  ['keep-alive', [['keep-alive', '5']]],
  ['transfer-encoding', [['transfer-encoding', 'chunked']]],
  ['upgrade', [['upgrade', 'h2c']]],
  ['te that is more than trailers', [['te', 'trailers, deflate']]],
  ['te that is something else', [['te', 'deflates']]],
  ['an empty te', [['te', '']]],
  ['a content length that is no number', [['content-length', '1a']]],
  ['an empty content length', [['content-length', '']]],
  ['a negative content length', [['content-length', '-1']]],
  ['a content length of 16 digits', [['content-length', '1000000000000000']]],
  [
    'content lengths that differ',
    [
      ['content-length', '1'],
      ['content-length', '2'],
    ],
  ],
]

describe('a request is malformed', () => {
  it.each(faulty)('%s', (_fault, fields) => {
    expect(headOf(plainBlock(fields)).malformed).toBe(true)
    expect(judgeFields(fields).malformed).toBe(true)
  })

  it.each(faultyFields)('by %s, in a request and in trailers', (_fault, fields) => {
    const wanted = { malformed: true, malformedAsTrailers: true }
    expect(headOf(plainBlock([...request, ...fields]))).toMatchObject(wanted)
    expect(headOf(plainBlock(fields))).toMatchObject({ malformedAsTrailers: true })
    expect(judgeFields([...request, ...fields])).toMatchObject(wanted)
  })

  it('in Huffman code alike', () => {
    for (const [fault, fields] of faultyFields) {
      const block = fields.flatMap(([name, value]) => encodeLiteral(name, value, { huffman: true }))
      expect([fault, headOf(Uint8Array.from(block)).malformedAsTrailers]).toEqual([fault, true])
    }
  })

  it('by a fault that comes from the table', () => {
    const decoder = createHpackDecoder({ knownPaths: [], maxListBytes: 65_536 })
    const head = createRequestHead()
    for (const [fault, fields] of faultyFields.filter(([, fields]) => fields.length === 1)) {
      const [name, value] = fields[0] ?? ['', '']
      const inserted = Uint8Array.from(encodeLiteral(name, value, { indexing: 'incremental' }))
      decoder.decode(inserted, 0, inserted.length, head)
      const indexed = Uint8Array.from(encodeIndexed(62))
      expect(decoder.decode(indexed, 0, indexed.length, head)).toBe('ok')
      expect([fault, head.malformedAsTrailers]).toEqual([fault, true])
    }
  })

  it('by an entry of the static table that has no value', () => {
    const indexed = [28, 57].map((index) => headOf(Uint8Array.from(encodeIndexed(index))))
    expect(indexed.map((head) => head.malformedAsTrailers)).toEqual([true, true])
  })
})

describe('trailers', () => {
  it('are well formed without pseudo-header fields', () => {
    const head = headOf(plainBlock([['grpc-status', '0']]))
    expect(head).toMatchObject({ malformedAsTrailers: false, malformed: true })
    expect(headOf(new Uint8Array()).malformedAsTrailers).toBe(false)
  })

  it.each([...pseudo, [':status', '200'] as const])('are malformed with %s', (...field) => {
    expect(headOf(plainBlock([['a', 'b'], field])).malformedAsTrailers).toBe(true)
    expect(headOf(plainBlock([field])).malformedAsTrailers).toBe(true)
  })
})

it('a head is filled anew', () => {
  const decoder = createHpackDecoder({ knownPaths: [], maxListBytes: 65_536 })
  const head = createRequestHead()
  const full = plainBlock([
    ...request,
    ['grpc-timeout', '1S'],
    ['grpc-encoding', 'gzip'],
    ['content-length', '3'],
    ['X', ''],
  ])
  decoder.decode(full, 0, full.length, head)
  decoder.decode(full, 0, 0, head)
  expect(head).toEqual(createRequestHead())
})
