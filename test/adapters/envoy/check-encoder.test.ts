import { describe, expect, it } from 'vitest'
import { createCheckEncoder } from '../../../src/adapters/envoy/check-encoder.ts'
import type { Decision, Evaluation } from '../../../src/domain/evaluation.ts'
import { answerOf } from '../../support/authorization-client.ts'
import { routeNoteOf } from '../../../src/domain/compiled-route.ts'
import { noteOf, rememberFact } from '../../../src/domain/remembered-fact.ts'
import { decide, factOf, policyWith, requestOf } from '../../support/builders.ts'
import { answersAlike } from '../../support/codec-properties.ts'

const policy = policyWith(
  ['{ name: read, match: "GET /o/{organizationId}", permission: leave:read }'],
  ['tenant: { path: organizationId }'],
)
const fact = rememberFact(factOf(['staff']))
const granted = decide(policy, requestOf('GET /o/org-a'), { fact })
const { evaluation } = granted
const [guard] = evaluation.guards
const { identity, settings, tenancy } = evaluation
if (guard === undefined || identity === null || settings === null || tenancy === null) {
  throw new Error('the request is not granted as a member')
}
const { mismatch, pair, tenant } = tenancy
const withPart = (part: Partial<Evaluation>): Decision => ({
  ...granted,
  evaluation: { ...evaluation, ...part },
})

const renamed = {
  ...policy,
  definition: {
    ...policy.definition,
    headers: { ...policy.definition.headers, userId: 'x-subject' },
  },
}

describe('of what was prepared for the same fact and rule, nothing is taken for another', () => {
  it.each<[string, Decision]>([
    ['subject', withPart({ identity: { ...identity, subject: 'u2' } })],
    ['tenant', withPart({ tenancy: { mismatch, pair, tenant: 'org-b' } })],
    ['token that is of another tenant', withPart({ tenancy: { mismatch: true, pair, tenant } })],
    ['kind of rule', withPart({ guards: [{ ...guard, access: 'authenticated' }] })],
    [
      'permission',
      withPart({
        guards: [{ ...guard, requirement: { quantifier: 'all', permissions: ['x:y'] } }],
      }),
    ],
    ['rule', withPart({ settings: { ...settings, name: 'other' } })],
    ['version of the policy', withPart({ policy: { ...policy, version: 'sha256:0' } })],
    ['name of a header', withPart({ policy: renamed })],
    ['reason', { ...granted, reason: 'banned' }],
    ['fact', withPart({ fact: rememberFact(factOf(['viewer'])) })],
  ])('%s', (_title, other) => {
    for (const decision of [granted, other, granted, other]) answersAlike(decision, 'id-1')
    expect(answersOf(granted)).not.toEqual(answersOf(other))
  })

  it('organization, where the request names no tenant', () => {
    const of = (organization: string): Decision =>
      withPart({
        tenancy: { mismatch, pair, tenant: null },
        identity: { ...identity, organization },
      })
    for (const one of ['org-a', 'org-b', 'org-a']) answersAlike(of(one), 'id-1')
  })
})

it('a text without a form in UTF-8 does not make an answer unreadable', () => {
  const lone = factOf(['a\ud800b', '\udc00'], { source: 'memory' })
  const { metadata, headers } = answersOf(withPart({ fact: lone }))
  expect(metadata['org_role']).toBe('a\ufffdb,\ufffd')
  expect(Object.fromEntries(headers)['x-org-role']).toBe('a%EF%BF%BDb,%EF%BF%BD')
})

it('an id that is not ASCII is a fault, not an answer of another length', () => {
  const encoder = createCheckEncoder()
  expect(() => encoder.answer(granted, 'ü'.repeat(36))).toThrow(TypeError)
  expect(() => encoder.denial('unavailable', 'ü')).toThrow(TypeError)
  const length = encoder.denial('unavailable', 'id-2')
  expect(answerOf(Buffer.from(encoder.bytes().subarray(0, length))).body).toMatchObject({
    decision_id: 'id-2',
  })
})

function answersOf(decision: Decision) {
  const encoder = createCheckEncoder()
  const length = encoder.answer(decision, 'id-1')
  return answerOf(Buffer.from(encoder.bytes().subarray(0, length)))
}

it('what is prepared is kept with its fact, unless an owner of roles made it long', () => {
  const usual = rememberFact(factOf(['staff', 'viewer']))
  const long = rememberFact(factOf(['r'.repeat(8_000)]))
  for (const one of [usual, long, usual, long]) answersAlike(withPart({ fact: one }), 'id-1')
  expect(noteOf(usual)).toBeDefined()
  expect(noteOf(long)).toBeUndefined()
})

it('what is prepared is kept with its route, one for each', () => {
  const { routes } = policyWith(
    ['{ name: read, match: "GET /o/{organizationId}", permission: leave:read }'],
    ['tenant: { path: organizationId }'],
  )
  const own = routes.match('GET', '', '/o/org-a', 8) ?? null
  if (own === null) expect.unreachable()
  expect(routeNoteOf(own)).toBeUndefined()
  answersAlike(withPart({ settings: own }), 'id-1')
  const note = routeNoteOf(own)
  expect(note).toBeDefined()
  answersAlike(withPart({ settings: own }), 'id-2')
  expect(routeNoteOf(own)).toBe(note)
  answersAlike({ ...withPart({ settings: own }), reason: 'permission_denied' }, 'id-3')
  expect(routeNoteOf(own)).not.toBe(note)
  // What is no route of a policy holds nothing.
  expect(routeNoteOf({ ...own })).toBeUndefined()
})
