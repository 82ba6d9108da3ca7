import fc from 'fast-check'
import { loadedCheck } from './loaded-check.ts'
import * as wire from './wire.ts'

/** Bytes of CheckRequests: as serializers write them, in shapes that none writes, and broken. */

/** Headers that the policy of these messages asks for, beside those that all ask for. */
export const tenantHeaders = ['x-tenant', 'x-org'] as const
export const askedHeaders = [
  ...['authorization', 'x-request-id', 'traceparent', 'tracestate'],
  ...tenantHeaders,
]

const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...askedHeaders) },
  { weight: 3, arbitrary: fc.constantFrom('X-Tenant', 'Authorization', 'X-ORG', 'x-orG', '') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(':path', 'cookie', 'x-orh', 'accept', 'x-ten@nt', '__proto__'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
)
const short = fc.constantFrom('', 'a', 'Bearer a.b.c', 'org-a', 'Bü', '\ufffd', 'a,b', '\0')
const long = fc.integer({ min: 120, max: 300 }).map((length) => 'v'.repeat(length))
const value = fc.oneof(
  { weight: 6, arbitrary: short },
  { weight: 1, arbitrary: long },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }) },
)
const bytes = fc.oneof(
  value.map((one) => Buffer.from(one)),
  fc.constantFrom(Buffer.from([0xff]), Buffer.from([0xc3]), Buffer.from('Bü', 'latin1')),
  fc.uint8Array({ maxLength: 6 }).map((one) => Buffer.from(one)),
)
const extensionKey = fc.constantFrom('access', 'permission', 'path', 'Path', 'note', '', 'patj')
const loose = (model: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> =>
  fc.record(model, { requiredKeys: [] })

/** What proto-loader writes: every field may be absent. */
const loaded = loose({
  attributes: loose({
    source: loose({ service: value, labels: fc.dictionary(name, value, { maxKeys: 2 }) }),
    request: loose({
      time: fc.constant({ seconds: 1_795_219_200, nanos: 7 }),
      http: loose({
        ...{ id: value, method: fc.constantFrom('GET', 'POST', '', 'Bü'), path: value },
        ...{ host: fc.constantFrom('api.example.com', 'a,b', ''), scheme: value, query: value },
        headers: fc.dictionary(name, value, { maxKeys: 6 }),
        header_map: loose({
          headers: fc.array(loose({ key: name, value, raw_value: bytes }), { maxLength: 6 }),
        }),
        ...{ size: fc.integer({ min: -5, max: 2 ** 40 }), protocol: value, body: value },
        raw_body: bytes,
      }),
    }),
    context_extensions: fc.dictionary(extensionKey, value, { maxKeys: 4 }),
    metadata_context: loose({
      filter_metadata: fc.dictionary(
        value,
        fc.constant({ fields: { a: { structValue: { fields: { b: { stringValue: 'c' } } } } } }),
        { maxKeys: 2 },
      ),
    }),
  }),
}).map((message) => loadedCheck.requestSerialize(message as never))

/** Fields that no message defines, of every wire type. */
const unknown = fc.oneof(
  fc
    .tuple(fc.integer({ min: 14, max: 2 ** 29 - 1 }), fc.maxSafeNat())
    .map(([number, n]) => wire.varintField(number, n)),
  fc.integer({ min: 14, max: 40 }).map((number) => wire.field(number, 'skipped')),
  fc
    .tuple(fc.constantFrom(1, 5), fc.constantFrom(14, 31, 32, 33))
    .map(([type, number]) =>
      Buffer.concat([wire.tag(number, type), Buffer.alloc(type === 1 ? 8 : 4, 0x0a)]),
    ),
  fc.integer({ min: 1, max: 40 }).map((depth) => {
    let nested = wire.varintField(1, 1)
    for (let level = 0; level < depth; level += 1) nested = wire.group(20 + level, nested)
    return nested
  }),
)

/** Fields of any number, in any wire type, with contents that fit or do not. */
const odd = fc.oneof(
  unknown,
  fc
    .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 7 }), bytes)
    .map(([number, type, content]) => Buffer.concat([wire.tag(number, type), content])),
  fc
    .tuple(fc.integer({ min: 1, max: 13 }), bytes, fc.integer({ min: 1, max: 6 }))
    .map(([number, content, length]) =>
      Buffer.concat([wire.tag(number, 2), wire.varint(content.length, length), content]),
    ),
  fc
    .tuple(fc.integer({ min: 1, max: 13 }), fc.integer({ min: 2, max: 6 }))
    .map(([number, length]) =>
      Buffer.concat([wire.varint(number * 8 + 2, length), wire.varint(0)]),
    ),
  fc
    .integer({ min: 8, max: 11 })
    .map((length) => Buffer.concat([wire.tag(9, 0), wire.varint(5, length)])),
)
const some = <T>(one: fc.Arbitrary<T>, maxLength = 4): fc.Arbitrary<T[]> =>
  fc.array(one, { maxLength })
const often = (usual: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer[]> =>
  some(
    fc.oneof(
      { weight: 12, arbitrary: usual },
      { weight: 1, arbitrary: unknown },
      { weight: 1, arbitrary: odd },
    ),
    6,
  )
const message = (number: number, fields: fc.Arbitrary<Buffer[]>): fc.Arbitrary<Buffer> =>
  fields.map((all) => wire.field(number, ...all))
const texts = (...numbers: readonly number[]): fc.Arbitrary<Buffer> =>
  fc
    .tuple(fc.constantFrom(...numbers), fc.oneof(value, bytes))
    .map(([n, one]) => wire.field(n, one))
const map = (number: number, key: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  fc.oneof(
    fc.tuple(key, value).map(([one, other]) => wire.entry(number, one, other)),
    message(
      number,
      often(
        fc.oneof(
          key.map((one) => wire.field(1, one)),
          texts(1, 2),
        ),
      ),
    ),
  )
const listed = message(
  1,
  often(
    fc.oneof(
      name.map((one) => wire.field(1, one)),
      texts(1, 2, 3),
    ),
  ),
)
const http = message(
  2,
  often(fc.oneof(texts(2, 4, 5), map(3, name), map(3, name), message(13, often(listed)))),
)
const attributes = message(
  1,
  often(fc.oneof(message(4, often(http)), message(4, often(http)), map(10, extensionKey))),
)
/** What is written field by field: repeated, out of order, unknown, of a wrong wire type. */
const written = often(attributes).map((all) => Buffer.concat(all))

/** Changes of bytes that know nothing of what they change. */
const flaw = fc.record({
  kind: fc.constantFrom('flip', 'bit', 'drop', 'insert', 'cut', 'copy', 'move'),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 1, max: 40 }),
  byte: fc.integer({ min: 0, max: 255 }),
})
type Flaw = typeof flaw extends fc.Arbitrary<infer T> ? T : never

function withFlaw(whole: Buffer, { at, byte, kind, length }: Flaw): Buffer {
  const place = Math.floor(at * whole.length)
  const [before, after] = [whole.subarray(0, place), whole.subarray(place)]
  const part = after.subarray(0, length)
  switch (kind) {
    case 'flip':
      return Buffer.concat([before, Buffer.from([byte]), after.subarray(1)])
    case 'bit':
      return Buffer.concat([
        before,
        Buffer.from([(after[0] ?? 0) ^ (1 << (byte & 7))]),
        after.subarray(1),
      ])
    case 'drop':
      return Buffer.concat([before, after.subarray(length)])
    case 'insert':
      return Buffer.concat([before, Buffer.alloc(length % 3, byte), after])
    case 'cut':
      return Buffer.from(before)
    case 'copy':
      return Buffer.concat([before, part, after])
    case 'move':
      return Buffer.concat([before, after.subarray(length), part])
  }
}
const spoilt = fc
  .tuple(fc.oneof(loaded, written), fc.array(flaw, { minLength: 1, maxLength: 3 }))
  .map(([whole, flaws]) => flaws.reduce<Buffer>(withFlaw, whole))

export const loadedMessages: fc.Arbitrary<Buffer> = loaded
export const anyMessages: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 1, arbitrary: loaded },
  { weight: 4, arbitrary: written },
  { weight: 3, arbitrary: spoilt },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((all) => Buffer.from(all)) },
)
