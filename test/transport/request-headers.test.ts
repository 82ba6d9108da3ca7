import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthorizationServer } from '../../src/adapters/envoy/grpc-js-server.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import {
  authorizationClient,
  checkRequestBytes,
  httpRequestBytes,
  type AuthorizationClient,
} from '../support/authorization-client.ts'
import { observed, openPolicy, startServer } from '../support/authorization-server.ts'

const inherited = ['constructor', '__proto__', 'toString', '']
const asked = ['x-h', ...inherited]
let seen: AccessRequest | undefined
let server: AuthorizationServer
let client: AuthorizationClient

beforeAll(async () => {
  server = await startServer({
    tenantHeaders: () => asked,
    check: async (request) => {
      seen = request
      return observed(openPolicy, request)
    },
  })
  client = authorizationClient(server.address)
})
afterAll(async () => {
  client.close()
  await server.close()
})
beforeEach(() => {
  seen = undefined
})

async function requestRead(bytes: Buffer): Promise<AccessRequest> {
  await client.check(bytes)
  if (seen === undefined) throw new Error('the check was not asked')
  return seen
}

const raw = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('a header is read', () => {
  it.each<[string, object, string | undefined]>([
    ['from headers', { headers: { 'x-h': 'a' } }, 'a'],
    ['from header_map as a value', { header_map: { headers: [{ key: 'x-h', value: 'a' }] } }, 'a'],
    [
      'from header_map as raw bytes',
      { header_map: { headers: [{ key: 'x-h', raw_value: raw('a') }] } },
      'a',
    ],
    ['by its lower-case name', { headers: { 'X-H': 'a' } }, 'a'],
    [
      'by its lower-case name from header_map',
      { header_map: { headers: [{ key: 'X-H', value: 'a' }] } },
      'a',
    ],
    [
      'with its repetitions joined by a comma, in their order',
      { header_map: { headers: ['b', 'a', 'b'].map((value) => ({ key: 'x-h', value })) } },
      'b,a,b',
    ],
    [
      'with its repetitions as value and as bytes joined by a comma',
      {
        header_map: {
          headers: [
            { key: 'x-h', value: 'a' },
            { key: 'X-h', raw_value: raw('b') },
          ],
        },
      },
      'a,b',
    ],
    ['with its spellings joined by a comma', { headers: { 'x-h': 'a', 'X-H': 'b' } }, 'a,b'],
    ['with the comma that Envoy joined it with', { headers: { 'x-h': 'a,b' } }, 'a,b'],
    ['as empty where it is', { header_map: { headers: [{ key: 'x-h' }] } }, ''],
    ['as absent where it is', { headers: { 'x-other': 'a' } }, undefined],
    [
      'byte by byte where it is no UTF-8',
      { header_map: { headers: [{ key: 'x-h', raw_value: Buffer.from([0xff, 0xfe, 0xc3]) }] } },
      '\xff\xfe\xc3',
    ],
    [
      'as two values where value and bytes say different things',
      { header_map: { headers: [{ key: 'x-h', value: 'a', raw_value: raw('b') }] } },
      'a,b',
    ],
    [
      'once where value and bytes say the same',
      { header_map: { headers: [{ key: 'x-h', value: 'a', raw_value: raw('a') }] } },
      'a',
    ],
    [
      'once where both encodings say the same',
      { headers: { 'x-h': 'a' }, header_map: { headers: [{ key: 'x-h', value: 'a' }] } },
      'a',
    ],
    [
      'as two values where the encodings say different things',
      { headers: { 'x-h': 'a' }, header_map: { headers: [{ key: 'x-h', value: 'b' }] } },
      'a,b',
    ],
    [
      'as two values where header_map repeats what headers says',
      {
        headers: { 'x-h': 'a' },
        header_map: {
          headers: [
            { key: 'x-h', value: 'a' },
            { key: 'x-h', value: 'a' },
          ],
        },
      },
      'a,a',
    ],
    [
      'beside one that is named as what objects inherit',
      { headers: { 'x-h': 'a', constructor: 'b' } },
      'a',
    ],
  ])('%s', async (_title, http, expected) => {
    const request = await requestRead(httpRequestBytes({ method: 'GET', path: '/open', ...http }))
    expect(request.header('x-h')).toBe(expected)
  })

  it('only if it was sent, whatever objects inherit', async () => {
    const request = await requestRead(
      httpRequestBytes({ method: 'GET', path: '/open', headers: { a: 'b' } }),
    )
    for (const name of inherited) expect(request.header(name)).toBeUndefined()
  })
})

describe('the request line is read', () => {
  it('from method, host and path, never from pseudo headers', async () => {
    const request = await requestRead(
      httpRequestBytes({
        method: 'GET',
        host: 'api.example.com:8443',
        path: '/open?x=1',
        headers: { ':path': '/evil', ':method': 'POST', ':authority': 'evil', host: 'evil' },
      }),
    )
    expect(request).toMatchObject({
      method: 'GET',
      host: 'api.example.com:8443',
      path: '/open?x=1',
    })
  })

  it.each([
    ['an empty message', {}],
    ['attributes without a request', { attributes: { context_extensions: {} } }],
    ['a request without HTTP', { attributes: { request: {} } }],
    ['HTTP without anything', { attributes: { request: { http: {} } } }],
  ])('as empty from %s, which is refused', async (_title, message) => {
    const request = await requestRead(checkRequestBytes(message))
    expect(request).toMatchObject({ method: '', host: '', path: '', extensions: new Map() })
    expect(await client.check(checkRequestBytes(message))).toMatchObject({
      code: 3,
      httpStatus: 400,
    })
  })
})

describe('extensions are read', () => {
  it('from the route of Envoy alone, never from a header or another metadata', async () => {
    const request = await requestRead(
      checkRequestBytes({
        attributes: {
          request: { http: { method: 'GET', path: '/open', headers: { access: 'public' } } },
          context_extensions: { permission: 'leave:read' },
          metadata_context: {
            filter_metadata: { access: { fields: { access: { stringValue: 'public' } } } },
          },
          source: { labels: { access: 'public' } },
        },
      }),
    )
    expect(request.extensions).toEqual(new Map([['permission', 'leave:read']]))
  })
})
