import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createTextSlots } from '../../src/adapters/buffers/text-slots.ts'
import { createDecisionStore } from '../../src/application/decision-store.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import { nowMs } from '../support/builders.ts'
import { recordedDecision } from '../support/decision-records.ts'

const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  // Just as long as a place, with and without what UTF-8 takes several bytes for.
  fc.integer({ min: 300, max: 400 }).map((length) => 'p'.repeat(length)),
  fc.integer({ min: 300, max: 400 }).map((length) => `${'p'.repeat(length)}ä`),
  fc.integer({ min: 90, max: 140 }).map((length) => '€'.repeat(length)),
)
const textOrNull = fc.option(text)
const changes = fc.record(
  {
    path: textOrNull,
    host: text,
    method: text,
    request_id: textOrNull,
    trace_id: textOrNull,
    tenant: textOrNull,
    user_id: textOrNull,
    reason: fc.constantFrom('granted', 'banned'),
    route: textOrNull,
    fact: fc.constantFrom(null, recordedDecision(1, { atMs: nowMs }).fact),
    token: fc.constantFrom(null, recordedDecision(1, { atMs: nowMs }).token),
    tenant_headers: fc.constantFrom({ 'x-tenant': 'a' }, { 'x-other': null }),
    extensions: fc.constantFrom(null, { access: 'public' }),
    span_id: text,
    share: fc.constantFrom(0.5, 0.25),
    duration_us: fc.nat(),
    age: fc.nat(),
  },
  { requiredKeys: [] },
)

it('a decision is found again as it was logged, whatever was in its place before', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 12 }), (all) => {
      const store = createDecisionStore({
        createTexts: createTextSlots,
        maxEntries: 3,
        maxBytes: 1e9,
      })
      const texts: string[] = []
      for (const [number, { age = 0, ...changed }] of all.entries()) {
        const usual = recordedDecision(number, { atMs: nowMs })
        const fact = 'fact' in changed ? changed.fact : usual.fact
        const record = {
          ...{ ...usual, ...changed },
          fact: fact && { ...fact, age_ms: age },
        } as DecisionRecord
        store.keep(record)
        texts.push(JSON.stringify(sorted(record)))
        const found = store.find(record.decision_id)
        expect(JSON.stringify(found && sorted(found))).toBe(texts.at(-1))
      }
      const page = store.page({
        before: null,
        limit: 9,
        lookAt: 9,
        maxBytes: 1e9,
        matches: () => true,
      })
      expect(page.records.map((one) => JSON.stringify(sorted(one)))).toEqual(
        texts.slice(-3).reverse(),
      )
    }),
    { numRuns: 500 },
  )
})

it('the fields of a decision that is found stand where those of its line do', () => {
  const store = createDecisionStore({ createTexts: createTextSlots, maxEntries: 1, maxBytes: 1e9 })
  const record = recordedDecision(1, { atMs: nowMs })
  store.keep(record)
  expect(JSON.stringify(store.find(record.decision_id))).toBe(JSON.stringify(record))
})

/** The same fields in an order of their own. */
function sorted(record: DecisionRecord): object {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
