import fc from 'fast-check'
import { expect, it } from 'vitest'
import { plainLines } from '../../src/domain/decision-line.ts'
import type { Decision } from '../../src/domain/evaluation.ts'
import { admit, conclude, decisionOf, enter } from '../../src/domain/evaluate.ts'
import { newEvaluation } from '../../src/domain/evaluation.ts'
import { recordOf, type RecordContext } from '../../src/domain/record.ts'
import { rememberFact } from '../../src/domain/remembered-fact.ts'
import {
  factOf,
  nowMs,
  policyWith,
  requestOf,
  tokenOf,
  uncheckedRules,
} from '../support/builders.ts'
import { decideLive, policies, worlds } from '../support/recorded-worlds.ts'
import { referenceRecord } from '../support/reference-record.ts'

const oddText = fc.oneof(
  fc.constantFrom(
    '39dd65c8-3b42-4cca-ae76-144db32ace7e',
    '',
    '"',
    '\\',
    'a"b',
    'ä',
    '\u2028',
    '\n',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const contexts: fc.Arbitrary<RecordContext> = fc
  .record({
    decisionId: fc.constant('01890000-0000-7000-8000-000000000000'),
    nowMs: fc.constantFrom(nowMs, nowMs + 7, nowMs - 5_000),
    timestamp: fc.constant('2026-11-20T12:00:00.000Z'),
    durationUs: fc.nat(),
    worker: fc.nat(9),
    loggedAllows: fc.constantFrom(1, 1, 0.25, 1e-7),
  })
  .chain((context) =>
    fc
      .constantFrom(undefined, { traceId: 'the-trace', spanId: 'the"span' })
      .map((span) => ({ ...context, span })),
  )
const headers = fc.record({
  'x-request-id': fc.option(oddText, { nil: undefined }),
  traceparent: fc.constantFrom(
    undefined,
    'x',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  ),
})
type Headers = typeof headers extends fc.Arbitrary<infer T> ? T : never

/** The same decision of a request that says more, on a fact that may be remembered. */
function dressed(decision: Decision, more: Headers, host: string, remembered: boolean): Decision {
  const { evaluation } = decision
  const { fact, request } = evaluation
  const header = (name: string): string | undefined =>
    name in more ? more[name as keyof Headers] : request.header(name)
  return {
    ...decision,
    evaluation: {
      ...evaluation,
      request: { ...request, header, host },
      fact: fact?.source === 'memory' && remembered ? rememberFact(fact) : fact,
    },
  }
}

it('a line is the text of its record, and that is the record of the decision', async () => {
  let lines = 0
  let shared = 0
  await fc.assert(
    fc.asyncProperty(
      policies,
      fc.array(fc.tuple(worlds, headers, oddText, fc.boolean(), contexts), {
        minLength: 10,
        maxLength: 10,
      }),
      async (policy, all) => {
        for (const [world, more, host, remembered, context] of all) {
          const live = await decideLive({ ...world, request: { ...world.request, host } }, policy)
          const decision = dressed(live, more, host, remembered)
          const expected = JSON.stringify(referenceRecord(decision, context))
          const record = recordOf(decision, context)
          expect(JSON.stringify(record)).toBe(expected)
          // The second is made of what the first has left.
          for (let again = 0; again < 2; again += 1) {
            expect(plainLines.decision(record)).toBe(expected)
          }
          for (const changed of [{ user_id: 'another' }, { tenant: 'other' }, { token: null }]) {
            const other = { ...record, ...changed }
            expect(plainLines.decision(other)).toBe(JSON.stringify(other))
          }
          lines += 1
          if (remembered && record.fact?.source === 'memory') shared += 1
        }
      },
    ),
    { numRuns: 150 },
  )
  expect([lines > 1_000, shared > 50]).toEqual([true, true])
}, 60_000)

it('lines of one subject on one route share what does not change, and tell what does', () => {
  const routes = ['reads', 'writes'].map(
    (name) =>
      `{ name: ${name}, match: "GET|POST /${name}/{organizationId}", permission: leave:read }`,
  )

  const policy = policyWith(routes)
  const fact = rememberFact(factOf(['viewer'], { verifiedAtMs: nowMs - 40 }))
  const admitted = newEvaluation(policy, requestOf('GET /reads/org-a'))
  expect(enter(admitted)).toBeUndefined()
  expect(admit(admitted, tokenOf(), { rules: uncheckedRules, nowMs })).toBeUndefined()
  for (const line of [
    'GET /reads/org-a',
    'POST /reads/org-a',
    'GET /writes/org-a',
    'GET /reads/b',
  ]) {
    for (const loadedAs of [policy, policyWith(routes), policyWith(routes.slice(0, 1))]) {
      const evaluation = newEvaluation(loadedAs, requestOf(line))
      if (enter(evaluation) !== undefined) continue
      evaluation.identity = admitted.identity
      evaluation.tenancy = admitted.tenancy
      const decision = decisionOf(evaluation, conclude(evaluation, fact))
      for (const ageMs of [0, 1, 1_000]) {
        const context = {
          decisionId: 'i',
          timestamp: 't',
          durationUs: 1,
          worker: 0,
          loggedAllows: 1,
        }
        const at = { ...context, nowMs: nowMs + ageMs }
        expect(plainLines.decision(recordOf(decision, at))).toBe(
          JSON.stringify(referenceRecord(decision, at)),
        )
      }
    }
  }
})
