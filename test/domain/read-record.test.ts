import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { opaDecisionEvent, opaPolicyEvent } from '../../src/domain/opa-event.ts'
import { readRecord } from '../../src/domain/read-record.ts'
import { recordedCase } from '../../src/domain/recorded.ts'
import { isKept, replayAgainst, replayRecorded } from '../../src/domain/replay.ts'
import { decide, policyWith, requestOf, tokenOf } from '../support/builders.ts'
import { logged } from '../support/recorded-worlds.ts'

const policy = policyWith([
  '{ name: r, match: "GET /o/{organizationId}", permission: leave:read, tenant: { header: x-tenant } }',
])
const record = logged(
  decide(
    policy,
    requestOf('GET /o/org-a', {
      headers: { authorization: 'Bearer a.b.c', 'x-tenant': 'org-a' },
      extensions: { permission: 'leave:read' },
    }),
    { token: tokenOf({ orgRole: 'staff', role: 'user' }) },
  ),
  0.5,
)
const labels = { app: 'tenantgate', id: 'i1', version: '0.1.0' }
const policyLine = {
  type: 'policy',
  timestamp: record.timestamp,
  policy: policy.version,
  definition: policy.definition,
} as const

describe('a line is read', () => {
  it.each<[string, unknown, string]>([
    ['of a decision', record, 'decision'],
    ['of a decision as an event of OPA', opaDecisionEvent(record, labels), 'decision'],
    ['of a policy', policyLine, 'policy'],
    ['of a policy as an event of OPA', opaPolicyEvent(policyLine, labels), 'policy'],
    ['of another log', { level: 30, msg: 'listening' }, 'other'],
    ['of another type', { type: 'audit' }, 'other'],
    ['of an event of OPA itself', { decision_id: '1', result: true, custom: {} }, 'other'],
    ['that is no object', 7, 'other'],
    ['that is a list', [record], 'other'],
    ['that is null', null, 'other'],
    ['of a policy without its definition', { ...policyLine, definition: undefined }, 'broken'],
    ['of a policy whose definition is a list', { ...policyLine, definition: [] }, 'broken'],
    ['of a policy without its version', { ...policyLine, policy: 3 }, 'broken'],
    [
      'of a decision that an event of OPA lost a part of',
      { custom: { tenantgate: { type: 'decision' } } },
      'broken',
    ],
    [
      'of a record without newer fields',
      { ...record, tenant_headers: undefined, share: undefined },
      'decision',
    ],
    ['of a record with fields of a later release', { ...record, later: 1 }, 'decision'],
  ])('%s', (_title, value, kind) => expect(readRecord(value).kind).toBe(kind))

  it('as the record itself', () => {
    expect(readRecord(opaDecisionEvent(record, labels))).toEqual({ kind: 'decision', record })
  })
})

/** Every path to a value of a record that a replay rests on. */
const unread = [
  'type',
  'status',
  'mode',
  'permission',
  'request_id',
  'trace_id',
  'duration_us',
  'worker',
]
const paths = [
  ...Object.keys(record)
    .filter((key) => !unread.includes(key))
    .map((key) => [key]),
  ...Object.keys(record.token ?? {}).map((key) => ['token', key]),
  ...Object.keys(record.fact ?? {}).map((key) => ['fact', key]),
  ['extensions', 'permission'],
  ['tenant_headers', 'x-tenant'],
  ['fact', 'rows', '0'],
  ['fact', 'rows', '0', '0'],
]

function withValue(path: readonly string[], value: unknown): unknown {
  const copy = structuredClone(record) as unknown as Record<string, unknown>
  let at: Record<string, unknown> = copy
  for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>
  at[path.at(-1) ?? ''] = value
  return copy
}

it.each(paths.map((path) => [path.join('.'), path] as const))(
  'a decision whose %s is of another type is broken',
  (_title, path) => {
    const wrong = [Symbol('s'), () => 1, new Map([['a', Symbol('b')]])]
    expect(wrong.map((value) => readRecord(withValue(path, value)).kind)).toContain('broken')
    expect(readRecord(withValue(path, Symbol('s'))).kind).toBe('broken')
  },
)

it.each([
  ['an allow with a reason to deny', { reason: 'banned' }],
  ['a deny that was granted', { decision: 'deny' }],
  ['a reason that is none', { reason: 'because', decision: 'deny' }],
  ['a token of nobody', { user_id: null }],
  ['a user without a token', { token: null }],
  ['a share of nothing', { share: 0 }],
  ['a share beyond all', { share: 1.5 }],
])('%s is broken', (_title, parts) => {
  expect(readRecord({ ...record, ...parts }).kind).toBe('broken')
})

it('whatever stands in a line, it is read and replayed without a throw', () => {
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
      const line = readRecord(withValue(path, value))
      if (line.kind !== 'decision' || isKept(line.record)) return
      const original = replayRecorded(line.record, policy)
      replayAgainst(recordedCase(line.record), original, policy)
    }),
    { numRuns: 3_000 },
  )
})
