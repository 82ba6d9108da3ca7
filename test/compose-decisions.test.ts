import { beforeEach, describe, expect, it } from 'vitest'
import { composeDecisions, type OwnDecisions } from '../src/compose-decisions.ts'
import type { DecisionLog } from '../src/ports/decision-log.ts'
import { nowMs } from './support/builders.ts'
import { recordedDecision } from './support/decision-records.ts'

let told: string[]
let kept: OwnDecisions & { readonly decisionLog: DecisionLog }

function compose(config: { adminDecisions: number; logRequired: boolean }): void {
  told = []
  kept = composeDecisions<DecisionLog>(
    config,
    {
      decision: ({ decision_id }) => told.push(decision_id) > 0,
      policy: () => undefined,
      close: () => Promise.resolve(),
    },
    () => '',
  )
}
const decide = (decision_id: string): boolean =>
  kept.decisionLog.decision({ ...recordedDecision(0, { atMs: nowMs }), decision_id })

describe('a decision that was answered just now', () => {
  beforeEach(() => compose({ adminDecisions: 10, logRequired: false }))

  it('is found at once', async () => {
    decide('a')
    expect(told).toEqual([])
    expect(await kept.pages?.find('a')).toMatchObject({ decision_id: 'a' })
    decide('b')
    expect(kept.store?.find('b')).toMatchObject({ decision_id: 'b' })
  })

  it('is the first of the latest', async () => {
    decide('a')
    decide('b')
    const query = { after: null, limit: 10, lookAt: 10, maxBytes: 1e6, filter: {} }
    const page = await kept.pages?.page(query)
    expect(page?.records.map(({ decision_id }) => decision_id)).toEqual(['b', 'a'])
  })
})

it.each([[0], [10]])('what is required is logged before it is answered, %s kept', (count) => {
  compose({ adminDecisions: count, logRequired: true })
  decide('a')
  expect(told).toEqual(['a'])
})
