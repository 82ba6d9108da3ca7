import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthorizationServer } from '../../src/adapters/envoy/grpc-js-server.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import {
  authorizationClient,
  checkRequestBytes,
  httpRequestBytes,
  readCheckRequest,
  type AuthorizationClient,
} from '../support/authorization-client.ts'
import { observed, serve, startServer } from '../support/authorization-server.ts'
import { policyWith } from '../support/builders.ts'
import type { CheckRequest } from '../support/loaded-check.ts'

/** Lets one request through: with the one word in the one header. */
const policy = policyWith(['{ name: one, match: POST /one, hosts: [one.example], access: public }'])
const one = {
  method: 'POST',
  host: 'one.example',
  path: '/one',
  headers: { 'x-word': 'sesame' },
}
const oneBytes = httpRequestBytes(one)
const isOne = (request: AccessRequest): boolean =>
  request.method === one.method &&
  request.host === one.host &&
  request.path === one.path &&
  request.header('x-word') === 'sesame'

let server: AuthorizationServer
let client: AuthorizationClient
const faults: unknown[] = []
const asked = ['x-word']

beforeAll(async () => {
  server = await startServer({
    check: async (request) => {
      return observed(policy, isOne(request) ? request : { ...request, path: '/none' })
    },
    tenantHeaders: () => asked,
    onFault: (cause) => faults.push(cause),
  })
  client = authorizationClient(server.address)
})
afterAll(async () => {
  client.close()
  await server.close()
})
beforeEach(() => {
  faults.length = 0
})

/** Still the very server, and it still lets the one request through. */
async function expectSurvival(): Promise<void> {
  expect(await client.check(oneBytes)).toMatchObject({ code: 0, kind: 'ok_response' })
}

describe('a message is answered with a denial, and OK for gRPC,', () => {
  const nested = (depth: number): object => {
    let value: object = { stringValue: 'x' }
    for (let level = 0; level < depth; level += 1) {
      value = { structValue: { fields: { a: value } } }
    }
    return { fields: { a: value } }
  }
  it.each<[string, () => Buffer]>([
    ['that is empty', () => Buffer.alloc(0)],
    ['whose first field has the wrong wire type', () => Buffer.from([0x08, 0x01])],
    ['that is cut off', () => oneBytes.subarray(0, oneBytes.length - 3)],
    ['that claims to be longer than it is', () => Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x0f])],
    ['of random bytes', () => Buffer.from('ffffffffffffffffffffffff', 'hex')],
    ['with invalid UTF-8 in its path', () => replaced(oneBytes, '/one', '/\xff\xfe\xfd')],
    ['whose groups never end', () => Buffer.alloc(100_000, 0x0b)],
    [
      'whose messages are nested without end',
      () => {
        // attributes.metadata_context.filter_metadata.value.fields.value.struct_value… by hand
        let bytes = Buffer.alloc(0)
        for (let level = 0; level < 20_000; level += 1) {
          if (bytes.length > 500_000) break
          bytes = Buffer.concat([Buffer.from([0x0a]), varint(bytes.length), bytes])
        }
        return bytes
      },
    ],
    [
      'with a Struct 20 deep in its metadata, for a request that is refused',
      () =>
        checkRequestBytes({
          attributes: {
            request: { http: { ...one, path: '/two' } },
            metadata_context: { filter_metadata: { deep: nested(20) } },
          },
        }),
    ],
  ])('%s', async (_title, bytes) => {
    const answer = await client.check(bytes())
    expect(answer.code).toBeGreaterThan(0)
    expect(answer).toMatchObject({ kind: 'denied_response' })
    expect([400, 403]).toContain(answer.httpStatus)
    expect(faults).toEqual([])
    await expectSurvival()
  })

  it('whose Struct in metadata_context is nested 100,000 deep', async () => {
    const answer = await client.check(deepStruct(100_000))
    expect(answer.code).toBeGreaterThan(0)
    expect(answer).toMatchObject({ kind: 'denied_response', httpStatus: 400 })
    await expectSurvival()
  })

  it('that is longer than allowed, without looking at it', async () => {
    const seen: AccessRequest[] = []
    const { client: other } = await serve({
      maxMessageBytes: 1024 * 1024,
      check: async (request) => {
        seen.push(request)
        return observed(policy, request)
      },
    })
    const padding = 'x'.repeat(2 * 1024 * 1024 - 200)
    const answer = await other.check(httpRequestBytes({ ...one, headers: { padding } }))
    expect(answer).toMatchObject({
      code: 3,
      httpStatus: 400,
      body: { type: 'urn:tenantgate:bad_request' },
    })
    for (const request of seen) expect(request).toMatchObject({ method: '', host: '', path: '' })
    expect(await other.check(oneBytes)).toMatchObject({ code: 0 })
  })
})

describe('whatever the bytes, the answer is OK for gRPC and only the one request is let through:', () => {
  it('arbitrary bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const answer = await client.check(Buffer.from(bytes))
        expect(answer.code).toBeGreaterThan(0)
        expect(answer.kind).toBe('denied_response')
        expect([400, 403]).toContain(answer.httpStatus)
      }),
      { numRuns: 1_500 },
    )
    expect(faults).toEqual([])
    await expectSurvival()
  })

  it('the bytes of the one request, changed', async () => {
    const flaw = fc.record({
      at: fc.nat({ max: oneBytes.length - 1 }),
      kind: fc.constantFrom('flip', 'drop', 'insert', 'cut', 'double', 'more'),
      byte: fc.integer({ min: 0, max: 255 }),
    })
    let allowed = 0
    await fc.assert(
      fc.asyncProperty(fc.array(flaw, { minLength: 1, maxLength: 3 }), async (flaws) => {
        const bytes = flaws.reduce<Buffer>(withFlaw, oneBytes)
        const answer = await client.check(bytes)
        if (answer.code !== 0) {
          expect(answer.kind).toBe('denied_response')
          return
        }
        allowed += 1
        const http = (readCheckRequest(bytes) as CheckRequest).attributes?.request?.http
        // The name of a header has no case (RFC 9110 section 5.1).
        const headers = Object.entries(http?.headers ?? {}).map(
          ([name, value]) => [name.toLowerCase(), value] as const,
        )
        expect({ ...http, headers: Object.fromEntries(headers) }).toMatchObject(one)
      }),
      { numRuns: 1_500 },
    )
    expect(faults).toEqual([])
    expect(allowed).toBeGreaterThan(20)
    await expectSurvival()
  })
})

function withFlaw(
  bytes: Buffer,
  flaw: { readonly at: number; readonly kind: string; readonly byte: number },
): Buffer {
  const at = Math.min(flaw.at, bytes.length)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  const byte = Buffer.from([flaw.byte])
  if (flaw.kind === 'flip') return Buffer.concat([before, byte, after.subarray(1)])
  if (flaw.kind === 'drop') return Buffer.concat([before, after.subarray(1)])
  if (flaw.kind === 'insert') return Buffer.concat([before, byte, after])
  if (flaw.kind === 'cut') return before
  // A field that nobody knows (15, a varint), which is no flaw.
  if (flaw.kind === 'more') return Buffer.concat([bytes, Buffer.from([0x78, flaw.byte & 0x7f])])
  return Buffer.concat([bytes, bytes])
}

function replaced(bytes: Buffer, text: string, by: string): Buffer {
  const at = bytes.indexOf(text)
  return Buffer.concat([
    bytes.subarray(0, at),
    Buffer.from(by, 'latin1'),
    bytes.subarray(at + text.length),
  ])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>>= 7
  } while (rest > 0)
  return Buffer.from(bytes)
}

/** `attributes.metadata_context` with a Struct in a Struct in a Struct…, written back to front. */
function deepStruct(depth: number): Buffer {
  // Written from the inside out into the end of one buffer: concatenating would be quadratic.
  const buffer = Buffer.alloc(depth * 24 + 64)
  let begin = buffer.length
  const put = (bytes: Buffer): void => {
    begin -= bytes.length
    bytes.copy(buffer, begin)
  }
  /** Puts the tag of a length-delimited field and the length of all that follows. */
  const wrap = (field: number): void => {
    put(varint(buffer.length - begin))
    put(varint((field << 3) | 2))
  }
  const key = Buffer.from([0x0a, 0x01, 0x61]) // key: "a"
  for (let level = 0; level < depth; level += 1) {
    wrap(5) // Value.struct_value
    wrap(2) // FieldsEntry.value
    put(key)
    wrap(1) // Struct.fields
  }
  wrap(2) // FilterMetadataEntry.value
  put(key)
  wrap(1) // Metadata.filter_metadata
  wrap(11) // AttributeContext.metadata_context
  wrap(1) // CheckRequest.attributes
  return buffer.subarray(begin)
}
