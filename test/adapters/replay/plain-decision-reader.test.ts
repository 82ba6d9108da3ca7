import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineSplitter } from '../../../src/adapters/replay/line-splitter.ts'
import { readRecord } from '../../../src/domain/read-record.ts'
import { recordedCase, type RecordedDecision } from '../../../src/domain/recorded.ts'

/**
 * What is read without `JSON.parse` must be what `JSON.parse` reads: each test compares both ways on
 * the same bytes.
 */
const folder = new URL('../../golden/replay-0.1/', import.meta.url)
const files = readdirSync(folder).filter((file) => file !== 'opa.jsonl')
const decisions = files.flatMap((file) =>
  readFileSync(new URL(file, folder), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"type":"decision"')),
)

/** All that a replay takes from a record. */
function basisOf(record: RecordedDecision): object {
  const { decision_id, extensions, fact, host, method, organization_id, path, policy } = record
  const { reason, route, share, tenant, tenant_headers, timestamp, token, user_id } = record
  const { identity } = recordedCase(record)
  return {
    ...{ decision_id, extensions, fact, host, method, organization_id, path, policy, reason },
    ...{ route, share, tenant, tenant_headers, timestamp, token, user_id, identity },
  }
}

interface Read {
  readonly lines: readonly unknown[]
  /** How many of them were read in the plain form. */
  readonly plain: number
}

function read(chunks: readonly Buffer[], isPlain: boolean): Read {
  const lines: unknown[] = []
  let plain = 0
  const splitter = createLineSplitter({
    value(value, at) {
      const line = readRecord(value)
      lines.push([at, line.kind === 'decision' ? basisOf(line.record) : line])
    },
    broken: (at) => lines.push([at, 'no JSON']),
    ...(isPlain && {
      decision(record, at) {
        plain += 1
        lines.push([at, basisOf(record)])
      },
    }),
  })
  for (const chunk of chunks) splitter.push(chunk)
  splitter.end()
  return { lines, plain }
}

/** Reads bytes both ways; returns how many lines were read in the plain form. */
function compare(...chunks: readonly Buffer[]): number {
  const read1 = read(chunks, true)
  expect(read1.lines).toStrictEqual(read(chunks, false).lines)
  return read1.plain
}

/** Lines with another one after them: what ends the bytes is never read in the plain form. */
const bytesOf = (...lines: readonly string[]): Buffer =>
  Buffer.from(`${lines.join('\n')}\n${'x'.repeat(8)}\n`)

const full =
  '{"type":"decision","decision_id":"i","timestamp":"t","decision":"allow","reason":"granted","status":200,"mode":"enforce","policy":"sha256:1","route":"r","permission":["a:b"],"method":"GET","host":"h","path":"/p","user_id":"u","organization_id":"o","tenant":"n","token":{"alg":"HS256","kid":"k","iat":1,"exp":2,"organization_id":"o","org_roles":["a"],"platform_roles":["b"]},"fact":{"source":"redis","rows":[["a"],[]],"dynamic":{"a":["c:d"]},"platform_roles":["user"],"banned":false,"user":true,"age_ms":12},"tenant_headers":{"x-org":"n","x-none":null},"extensions":{"permission":"a:b"},"request_id":"q","trace_id":"y","span_id":"z","duration_us":34,"worker":5,"share":0.25}'
const bare =
  '{"type":"decision","decision_id":"i","timestamp":"t","decision":"deny","reason":"bad_request","status":400,"mode":"enforce","policy":"sha256:1","route":null,"permission":[],"method":"","host":"","path":null,"user_id":null,"organization_id":null,"tenant":null,"token":null,"fact":null,"extensions":null,"request_id":null,"trace_id":null,"duration_us":0,"worker":0}'

describe('decisions are read as JSON.parse reads them', () => {
  it('all that were written, none of them by way of JSON.parse', () => {
    expect(decisions.length).toBeGreaterThan(400)
    expect(compare(bytesOf(...decisions, full, bare))).toBe(decisions.length + 2)
  })

  it('however the bytes are cut', () => {
    const bytes = bytesOf(...decisions.slice(0, 4), '', '{"type":"other"}', full, bare, '{', full)
    const whole = read([bytes], false).lines
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 }), (cuts) => {
        const bounds = [0, ...cuts, bytes.length].sort((a, b) => a - b)
        const chunks = bounds.slice(1).map((to, index) => bytes.subarray(bounds[index], to))
        expect(read(chunks, true).lines).toStrictEqual(whole)
      }),
    )
  })

  it.each(['full', 'bare'])(
    '%s, cut off after each of its bytes, also where nothing follows',
    (name) => {
      const line = name === 'full' ? full : bare
      for (let length = 0; length < line.length; length++) {
        expect(compare(bytesOf(line.slice(0, length), full))).toBe(1)
        expect(compare(Buffer.from(`${line.slice(0, length)}\n`))).toBe(0)
      }
    },
  )

  it('where they follow on what an earlier chunk held', () => {
    expect(compare(Buffer.from('x'), bytesOf(full, bare))).toBe(1)
    expect(compare(Buffer.from('{"a":'), bytesOf(full, bare), bytesOf(full))).toBe(2)
  })

  it('up to the length of any line', () => {
    const most = 8 * 1024 * 1024
    const withPath = (length: number): string =>
      full.replace('/p', `/${'p'.repeat(length - full.length + 1)}`)
    expect(compare(bytesOf(withPath(most), bare))).toBe(2)
    expect(compare(bytesOf(withPath(most + 1), bare))).toBe(1)
  })

  it('with any of its bytes another one', () => {
    const bytes = [
      '"',
      '\\',
      '\0',
      '\t',
      '\r',
      '\n',
      ' ',
      '}',
      ']',
      ',',
      ':',
      '0',
      '-',
      'e',
      '\x7f',
    ]
    for (const line of [full, bare]) {
      for (const byte of bytes) {
        const changed = Array.from(line, (_, at) => line.slice(0, at) + byte + line.slice(at + 1))
        compare(bytesOf(...changed, full))
      }
    }
  })
})

const hostile: readonly [string, string, string][] = [
  ['an escape', '"host":"h"', '"host":"\\u0068\\n"'],
  ['a text that is not ASCII', '"path":"/p"', '"path":"/Jörg 🐘"'],
  ['a role that is not ASCII', '"org_roles":["a"]', '"org_roles":["Jörg"]'],
  ['a role with braces', '"org_roles":["a"]', '"org_roles":["}","{","],"]'],
  ['an escape in a role', '"org_roles":["a"]', '"org_roles":["\\"},\\"fact\\":"]'],
  ['a template of braces', '"permission":"a:b"', '"path":"/{x}/{y...}"'],
  ['a field twice', '"tenant":"n"', '"tenant":"m","tenant":"n"'],
  ['a field of the head twice', '"reason":"granted"', '"reason":"banned","reason":"granted"'],
  ['a field of the fact twice', '"banned":false', '"banned":true,"banned":false'],
  ['another field in the head', '"mode":"enforce"', '"mode":"enforce","path":"/q"'],
  ['another field in the fact', '"banned":false', '"banned":false,"age_ms":1,"x":1'],
  ['__proto__ in the head', '"mode":"enforce"', '"mode":"enforce","__proto__":{"route":"s"}'],
  ['__proto__ in the fact', '"banned":false', '"banned":false,"__proto__":{"user":false}'],
  ['__proto__ as a dynamic role', '"dynamic":{"a"', '"dynamic":{"__proto__"'],
  ['__proto__ as a header', '"x-none":null', '"__proto__":null'],
  ['__proto__ as an extension', '"permission":"a:b"', '"__proto__":"a:b"'],
  ['a header that is a number', '"x-none":null', '"x-none":1'],
  [
    'headers that are null',
    '"tenant_headers":{"x-org":"n","x-none":null}',
    '"tenant_headers":null',
  ],
  ['an extension that is null', '"permission":"a:b"', '"permission":null'],
  ['an unknown reason', '"reason":"granted"', '"reason":"because"'],
  ['a reason of the other decision', '"reason":"granted"', '"reason":"banned"'],
  ['an unknown source', '"source":"redis"', '"source":"disk"'],
  ['a user without a token', '"user_id":"u"', '"user_id":null'],
  ['a token that is null', /"token":.*,"fact"/.exec(full)?.[0] ?? '', '"token":null,"fact"'],
  [
    'a fact that is null',
    /"fact":.*,"tenant_headers"/.exec(full)?.[0] ?? '',
    '"fact":null,"tenant_headers"',
  ],
  ['a route that is a number', '"route":"r"', '"route":1'],
  ['a policy that is null', '"policy":"sha256:1"', '"policy":null'],
  ['an exponent', '"exp":2', '"exp":1e5'],
  ['a fraction', '"age_ms":12', '"age_ms":12.5'],
  ['minus zero', '"age_ms":12', '"age_ms":-0'],
  ['a negative number', '"iat":1', '"iat":-17'],
  ['a number too large to be exact', '"exp":2', '"exp":12345678901234567890'],
  ['a number too large to be one', '"exp":2', '"exp":1e999'],
  ['a leading zero', '"exp":2', '"exp":02'],
  ['a leading plus', '"exp":2', '"exp":+2'],
  ['a fraction without digits', '"exp":2', '"exp":2.'],
  ['an exponent without digits', '"exp":2', '"exp":2e'],
  ['no number', '"exp":2', '"exp":'],
  ['a number that is null', '"exp":2', '"exp":null'],
  ['a time that is null', '"iat":1', '"iat":null'],
  ['a key id that is null', '"kid":"k"', '"kid":null'],
  ['a share of nothing', '"share":0.25', '"share":0'],
  ['a share above all', '"share":0.25', '"share":1.5'],
  ['a share of all', '"share":0.25', '"share":1'],
  ['a share that is a text', '"share":0.25', '"share":"0.25"'],
  ['white space', ',"host":', ', "host" : '],
  ['white space in the head', '"status":200', '"status" : 200'],
  ['a line feed in the head', '"status":200', '"status":\n200'],
  ['a line feed in the fact', '"banned":false', '"banned":\nfalse'],
  ['a tab in a text', '"host":"h"', '"host":"\t"'],
  ['a tab in the fact', '"rows":[["a"],[]]', '"rows":[["\t"],[]]'],
  ['Windows line ends', '"share":0.25}', '"share":0.25}\r'],
  ['another value behind it', '"share":0.25}', '"share":0.25}{}'],
  ['a comma behind it', '"share":0.25}', '"share":0.25,}'],
  ['fields in another order', '"request_id":"q","trace_id":"y"', '"trace_id":"y","request_id":"q"'],
  ['a long head', '"permission":["a:b"]', `"permission":["${'a'.repeat(5_000)}"]`],
]

describe.each(hostile)('a line with %s', (_title, from, to) => {
  it('is read as JSON.parse reads it, before and after it is known', () => {
    expect(full).toContain(from)
    const line = full.replace(from, () => to)
    compare(bytesOf(full, line, line, full))
    expect(compare(bytesOf(full, line, full))).toBeGreaterThanOrEqual(2)
  })
})

describe('bytes', () => {
  it.each([
    ['in a text', '"host":"h"', '"host":"\xff"'],
    ['in a role', '"org_roles":["a"]', '"org_roles":["\xff"]'],
  ])('that are no UTF-8 break a line: %s', (_title, from, to) => {
    compare(Buffer.from(`${full.replace(from, to)}\n${full}\n12345\n`, 'latin1'))
  })

  it('before a line are not overlooked', () => {
    for (const before of ['\ufeff', ' ', '\0', '[', '{}']) compare(bytesOf(before + full, full))
  })

  it('of decisions whose fields stand in another order are read all the same', () => {
    const { permission, ...fields } = JSON.parse(full) as Record<string, unknown>
    const line = JSON.stringify({ ...fields, permission })
    expect(compare(bytesOf(...Array.from({ length: 200 }, () => line)))).toBe(0)
  })

  it('of any kind are read the same both ways', () => {
    const pieces = ['"', '\\', ',', ':', '{', '}', '[', ']', '\n', ' ', '1e5', '-0', 'ö', 'null']
    const piece = fc.oneof(
      fc.constantFrom(...pieces),
      fc.constantFrom('"fact":null', ',"tenant":"x"', '},"fact":', '],"method":', ',"age_ms":'),
      fc.string({ maxLength: 4 }),
    )
    const edits = fc.array(fc.tuple(fc.nat({ max: 800 }), fc.nat({ max: 6 }), piece), {
      maxLength: 4,
    })
    const line = fc.constantFrom(full, bare, ...decisions.slice(0, 40))
    fc.assert(
      fc.property(fc.array(fc.tuple(line, edits), { minLength: 1, maxLength: 4 }), (lines) => {
        const edited = lines.map(([text, changes]) =>
          changes.reduce(
            (one, [at, cut, put]) => one.slice(0, at) + put + one.slice(at + cut),
            text,
          ),
        )
        compare(bytesOf(...edited, full))
      }),
      { numRuns: 600 },
    )
  })
})
