import { describe, expect, it } from 'vitest'
import { createCheckDecoder } from '../../../src/adapters/envoy/check-decoder.ts'
import { unreadableRequest } from '../../../src/adapters/envoy/decoded-request.ts'
import type { AccessRequest } from '../../../src/domain/request.ts'
import { entry, field, group, httpMessage, tag, varint, varintField } from '../../support/wire.ts'

const tenantHeaders = ['x-tenant']
const decode = createCheckDecoder({ tenantHeaders: () => tenantHeaders })
const read = (bytes: Uint8Array): AccessRequest => decode(bytes, 0, bytes.length)

const method = field(2, 'GET')
const path = field(4, '/me')
const token = entry(3, 'authorization', 'Bearer a.b.c')
const usual = [method, path, token]
const http = field(2, ...usual)
const request = field(4, http)
const attributes = field(1, request)
const invalid = Buffer.from([0x2f, 0xc3])
const accept = entry(3, 'accept', '*/*')
const redundant = [
  ...[field(1, 'cookie'), field(2, 'x'), varintField(7, 1)],
  ...[field(1, 'authorization'), field(2, 'Bearer a.b.c')],
]
const groups = (depth: number): Buffer =>
  Array.from({ length: depth }).reduce<Buffer>((inner) => group(40, inner), varintField(1, 1))

describe('the request is read', () => {
  it.each<[string, Buffer]>([
    ['as serializers write it', attributes],
    ['with fields out of order', httpMessage(token, path, method)],
    [
      'beside fields that nobody knows',
      Buffer.concat([
        ...[varintField(99, 2 ** 40), field(15, 'x'), tag(16, 1), Buffer.alloc(8, 0xff)],
        field(1, varintField(14, 1), field(4, groups(31), field(2, ...usual, varintField(200, 1)))),
        ...[tag(32, 5), Buffer.alloc(4, 0xff), groups(32)],
      ]),
    ],
    [
      'beside what nobody looks into',
      field(1, field(1, invalid), field(11, Buffer.alloc(50, 0x0b)), request, field(12, '\x01')),
    ],
    [
      'by the last of a field that is there twice',
      httpMessage(
        field(2, 'PUT'),
        field(4, invalid),
        token,
        entry(3, 'authorization', 'x'),
        ...usual,
      ),
    ],
    [
      'by the last key and value that an entry gives',
      httpMessage(method, path, field(3, ...redundant)),
    ],
    [
      'by the last key and value that an entry gives after others',
      httpMessage(method, path, accept, accept, field(3, ...redundant), accept),
    ],
    [
      'with an entry’s fields out of order',
      httpMessage(
        method,
        path,
        accept,
        field(3, field(2, 'Bearer a.b.c'), field(1, 'authorization')),
      ),
    ],
    [
      'by the last of a header, whatever an earlier one of the same spelling was',
      httpMessage(
        ...[method, path, field(3, field(1, 'x-tenant'), field(2, invalid))],
        ...[entry(3, 'X-Tenant', '1'), entry(3, 'x-tenant', '2'), token],
      ),
    ],
    [
      'with tags and lengths longer than they need be',
      Buffer.concat([
        ...[varint(0x0a, 4), varint(attributes.length - 2, 5), attributes.subarray(2)],
      ]),
    ],
  ])('%s', (_title, bytes) => {
    const { extensions, host, method, path } = read(bytes)
    expect({ method, path, host }).toEqual({ method: 'GET', path: '/me', host: '' })
    expect(read(bytes).header('authorization')).toBe('Bearer a.b.c')
    expect(extensions.size).toBe(0)
  })
})

describe('a message has no one reading', () => {
  const twice = (one: Uint8Array): Buffer => Buffer.concat([one, one])
  const map = field(13, field(1, field(1, 'x'), field(2, 'y')))
  it.each<[string, Uint8Array]>([
    ['whose attributes are there twice', twice(attributes)],
    ['whose request is there twice', field(1, twice(request))],
    ['whose HTTP request is there twice', field(1, field(4, twice(http)))],
    ['whose header map is there twice', httpMessage(...usual, twice(map))],
    ['whose attributes are a number', Buffer.concat([varintField(1, 1), attributes])],
    ['whose source is a number', field(1, varintField(1, 1), request)],
    ['whose extensions are a number', field(1, varintField(10, 1), request)],
    ['whose time is a number', field(1, field(4, varintField(1, 1), http))],
    ['whose method is a number', httpMessage(...usual, varintField(2, 1))],
    ['whose body is a number', httpMessage(...usual, varintField(11, 1))],
    ['whose size is a text', httpMessage(...usual, field(9, '1'))],
    ['whose header is a number', httpMessage(...usual, varintField(3, 1))],
    ['whose header’s value is a number', httpMessage(...usual, field(3, varintField(2, 1)))],
    ['whose listed header is a number', httpMessage(...usual, field(13, varintField(1, 1)))],
    ['whose raw value is a number', httpMessage(...usual, field(13, field(1, varintField(3, 1))))],
    ['that is cut off in a text', attributes.subarray(0, -1)],
    ['that is cut off in a length', Buffer.concat([attributes, Buffer.from([0x7a, 0x80])])],
    ['that is cut off in a tag', Buffer.concat([attributes, Buffer.from([0x80])])],
    ['that is cut off in a number', Buffer.concat([attributes, Buffer.from([0x78, 0x80])])],
    ['that is cut off in fixed bytes', Buffer.concat([attributes, tag(15, 1), Buffer.alloc(7)])],
    [
      'whose header is longer than its message',
      Buffer.concat([httpMessage(...usual, accept, accept.subarray(0, -1)), Buffer.from('*x\x01')]),
    ],
    [
      'whose header’s value is longer than the header',
      httpMessage(...usual, accept, field(3, field(1, 'cookie'), Buffer.from([0x12, 4, 0x78]))),
    ],
    [
      'whose header holds more than key and value, which is none',
      httpMessage(...usual, accept, field(3, field(1, 'cookie'), field(2, 'x'), Buffer.from([7]))),
    ],
    ['whose text is longer than its message', field(1, field(4, field(2, Buffer.from([0x12, 4]))))],
    ['with a field of number 0', Buffer.concat([attributes, field(0, 'x')])],
    ['with a wire type that is none', Buffer.concat([attributes, tag(15, 6)])],
    ['with a group that never ends', Buffer.concat([attributes, tag(15, 3)])],
    ['with the end of a group alone', Buffer.concat([attributes, tag(15, 4)])],
    ['with a group that ends as another', Buffer.concat([attributes, tag(15, 3), tag(16, 4)])],
    ['with groups deeper than is followed', Buffer.concat([attributes, groups(33)])],
    ['with a number of eleven bytes', Buffer.concat([attributes, tag(15, 0), varint(1, 11)])],
    ['with a tag of six bytes', Buffer.concat([attributes, varint(0x78, 6), varint(1)])],
    ['with a length beyond 32 bits', Buffer.concat([attributes, tag(15, 2), varint(2 ** 32)])],
    [
      'with a length that wraps around',
      Buffer.concat([attributes, tag(15, 2), varint(2 ** 32 - 9)]),
    ],
    ['whose method is no UTF-8', httpMessage(...usual, field(2, invalid))],
    ['whose path is no UTF-8', httpMessage(...usual, field(4, invalid))],
    ['whose host is no UTF-8', httpMessage(...usual, field(5, invalid))],
    [
      'whose token is no UTF-8',
      httpMessage(...usual, field(3, field(1, 'authorization'), field(2, invalid))),
    ],
    [
      'whose permission is no UTF-8',
      field(1, request, field(10, field(1, 'permission'), field(2, invalid))),
    ],
  ])('%s', (_title, bytes) => {
    expect(read(attributes)).not.toBe(unreadableRequest)
    expect(read(bytes)).toBe(unreadableRequest)
  })
})

describe('headers are those', () => {
  it('that the policy in force names, from its first message on', () => {
    let names: readonly string[] = []
    const decodeIn = createCheckDecoder({ tenantHeaders: () => names })
    const bytes = httpMessage(...usual, entry(3, 'x-one', '1'), entry(3, 'x-two', '2'))
    const tenants = (): unknown[] => {
      const { length } = bytes
      const found = decodeIn(bytes, 0, length)
      expect(found.header('authorization')).toBe('Bearer a.b.c')
      return ['x-one', 'x-two', 'x-three'].map((name) => found.header(name))
    }
    // What was not asked for reads as repeated, which every reader refuses.
    expect(tenants()).toEqual([',', ',', ','])
    names = ['x-one']
    expect(tenants()).toEqual(['1', ',', ','])
    names = ['x-two', 'x-three', 'authorization']
    expect(tenants()).toEqual([',', '2', undefined])
    names = ['x-two', 'x-one']
    expect(tenants()).toEqual(['1', '2', ','])
  })

  it('that are needed to decide alone, where nobody is told of requests', () => {
    const bytes = httpMessage(...usual, entry(3, 'x-request-id', '1'), entry(3, 'x-tenant', '2'))
    const decodeIn = createCheckDecoder({ tenantHeaders: () => tenantHeaders, untold: true })
    const found = decodeIn(bytes, 0, bytes.length)
    const names = ['authorization', 'x-tenant', 'x-request-id', 'traceparent']
    expect(names.map((name) => found.header(name))).toEqual(['Bearer a.b.c', '2', ',', ','])
    expect(read(bytes).header('x-request-id')).toBe('1')
  })

  it('of any length', () => {
    const long = 'x'.repeat(300)
    const decodeIn = createCheckDecoder({ tenantHeaders: () => [long] })
    const bytes = httpMessage(...usual, entry(3, long.toUpperCase(), '1'))
    expect(decodeIn(bytes, 0, bytes.length).header(long)).toBe('1')
  })

  it('of names in ASCII alone: no other letter is one of them', () => {
    const kelvin = '\u212a'
    const decodeIn = createCheckDecoder({ tenantHeaders: () => ['x-k'] })
    const bytes = httpMessage(...usual, entry(3, `x-${kelvin}`, '1'), entry(3, 'x\rk', '2'))
    expect(decodeIn(bytes, 0, bytes.length).header('x-k')).toBeUndefined()
  })
})

it('nothing is kept of the memory that was read', () => {
  const bytes = httpMessage(...usual, field(5, 'api.example.com'))
  const before = read(Buffer.from(bytes))
  const memory = Buffer.from(bytes)
  const request = read(memory)
  memory.fill(0x2f)
  expect(request).toEqual(before)
  // Nor is a text that is remembered mistaken for another of the same length.
  const other = httpMessage(...usual, field(2, 'PUT'), field(5, 'api.example.org'))
  expect(read(other)).toMatchObject({ method: 'PUT', host: 'api.example.org' })
  expect(read(Buffer.from(bytes))).toEqual(before)
})

it('a text that is remembered is never taken for another', () => {
  const hosts = Array.from({ length: 5_000 }, (_, index) => `host-${1_000 + index}.example.com`)
  // A transport reads all messages into the same memory.
  const memory = Buffer.alloc(200)
  for (const host of [...hosts, ...hosts]) {
    const length = httpMessage(method, path, field(5, host)).copy(memory)
    expect(decode(memory, 0, length).host).toBe(host)
  }
})

describe('a message of 1 MiB takes no longer than its length is worth:', () => {
  const size = 1024 * 1024
  const filled = (one: Buffer): Buffer => Buffer.alloc(size - (size % one.length), one)
  it.each<[string, () => Buffer]>([
    ['nested messages', () => filled(Buffer.from([0x0a, 0x7f]))],
    ['groups that open', () => filled(tag(20, 3))],
    ['groups that open and close', () => filled(group(20))],
    ['methods', () => httpMessage(filled(method))],
    ['headers', () => httpMessage(filled(token))],
    ['spellings of a header', () => httpMessage(...spellings())],
    [
      'spellings of a header, again and again',
      () => httpMessage(filled(Buffer.concat(spellings(50)))),
    ],
    [
      'listed headers',
      () => httpMessage(field(13, filled(field(1, field(1, 'authorization'), field(2, 'x'))))),
    ],
    ['extensions', () => field(1, filled(entry(10, 'path', 'x')))],
    ['hosts', () => httpMessage(filled(field(5, 'a.example.com')))],
    ['numbers that never end', () => Buffer.alloc(size, 0x80)],
    ['empty fields', () => filled(field(15, ''))],
  ])('%s', (_title, make) => {
    const bytes = make()
    const begin = process.cpuUsage()
    read(bytes)
    const { system, user } = process.cpuUsage(begin)
    expect((user + system) / 1000).toBeLessThan(2_000)
  })

  function spellings(count = 8_192): Buffer[] {
    return Array.from({ length: count }, (_, bits) => {
      const name = Array.from('authorization', (letter, at) =>
        (bits >> at) & 1 ? letter.toUpperCase() : letter,
      )
      return entry(3, name.join(''), 'x')
    })
  }
})

describe('a credential that came before', () => {
  const known = { text: 'Bearer a.b.c' }
  const asked: string[] = []
  const decodeKnown = createCheckDecoder({
    tenantHeaders: () => tenantHeaders,
    recognise(bytes, start, end) {
      const text = bytes.toString('latin1', start, end)
      asked.push(text)
      return text === known.text ? known : undefined
    },
  })
  const listed = field(13, field(1, field(1, 'authorization'), field(2, known.text)))
  const raw = (text: string): Buffer => field(1, field(1, 'Authorization'), field(3, text))
  const rawKnown = field(13, raw(known.text))
  const spelled = entry(3, 'Authorization', known.text)
  const other = entry(3, 'authorization', 'Bearer a.b.d')

  it.each<[string, Buffer, object | undefined, string | undefined]>([
    ['is recognised', token, known, known.text],
    ['is that of the last of two', Buffer.concat([other, token]), known, known.text],
    ['is not the first of two', Buffer.concat([token, other]), undefined, 'Bearer a.b.d'],
    ['is not another', other, undefined, 'Bearer a.b.d'],
    ['is none where there is none', accept, undefined, undefined],
    ['is read where it is spelled otherwise', spelled, undefined, known.text],
    [
      'is read where it is there in two spellings',
      Buffer.concat([token, spelled]),
      undefined,
      `${known.text},${known.text}`,
    ],
    ['is read where both encodings have it', Buffer.concat([token, listed]), undefined, known.text],
    [
      'is read where both encodings differ',
      Buffer.concat([other, listed]),
      undefined,
      `Bearer a.b.d,${known.text}`,
    ],
    ['is read where it is in a header map', listed, undefined, known.text],
    ['is recognised as bytes in a header map', rawKnown, known, known.text],
    ['is not others as bytes', field(13, raw('Bearer a.b.d')), undefined, 'Bearer a.b.d'],
    [
      'is read where it is there twice as bytes',
      field(13, raw(known.text), raw(known.text)),
      undefined,
      `${known.text},${known.text}`,
    ],
    [
      'is read where it is there as bytes and as a text',
      field(13, raw(known.text), field(1, field(1, 'authorization'), field(2, 'x'))),
      undefined,
      `${known.text},x`,
    ],
    [
      'is read where it is there as a text and as bytes',
      field(13, field(1, field(1, 'authorization'), field(2, 'x')), raw(known.text)),
      undefined,
      `x,${known.text}`,
    ],
    [
      'is read where both encodings have it, one as bytes',
      Buffer.concat([token, rawKnown]),
      undefined,
      known.text,
    ],
    [
      'is read where both encodings differ, one as bytes',
      Buffer.concat([other, rawKnown]),
      undefined,
      `Bearer a.b.d,${known.text}`,
    ],
    [
      'is read where a header map and another spelling have it',
      Buffer.concat([spelled, rawKnown]),
      undefined,
      known.text,
    ],
  ])('%s', (_title, headers, recognised, header) => {
    const bytes = httpMessage(method, path, headers)
    const made = decodeKnown(bytes, 0, bytes.length)
    expect(made.recognised).toBe(recognised)
    expect(made.header('authorization')).toBe(header)
  })

  it('is asked for by the credential alone', () => {
    asked.length = 0
    const bytes = httpMessage(method, path, entry(3, 'x-tenant', 'org-a'), token)
    expect(decodeKnown(bytes, 0, bytes.length).header('x-tenant')).toBe('org-a')
    expect(asked).toEqual([known.text])
  })
})
