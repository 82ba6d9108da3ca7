import { describe, expect, it } from 'vitest'
import { createRefuseCheck, type RefuseCheckDeps } from '../../src/application/refuse-check.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import { nowMs, policyWith, requestOf } from '../support/builders.ts'

const policy = policyWith([
  '{ name: list, match: "GET /o/{organizationId}/leave", permission: leave:read }',
])

function refusing(deps: Partial<RefuseCheckDeps> = {}) {
  const records: DecisionRecord[] = []
  const counted: unknown[] = []
  const faults: unknown[] = []
  const refuse = createRefuseCheck({
    policy: () => policy,
    log: {
      decision: (record) => records.push(record) > 0,
      policy: () => undefined,
      close: () => Promise.resolve(),
    },
    metrics: { decided: (observation) => void counted.push(observation) },
    ...{ worker: 3, now: () => nowMs, timestamp: (ms) => new Date(ms).toISOString() },
    newId: () => 'the-id',
    onFault: (cause) => faults.push(cause),
    ...deps,
  })
  return { refuse, records, counted, faults }
}

describe('a check that is refused without its decision', () => {
  it('is logged and counted with what is known of it, its query aside', () => {
    const { counted, records, refuse } = refusing()
    const request = requestOf('GET /o/org-a/leave?secret=1')
    expect(refuse({ request, durationMs: 105.25 })).toBe('the-id')
    expect(records).toMatchObject([
      {
        ...{ type: 'decision', decision_id: 'the-id', decision: 'deny', reason: 'unavailable' },
        ...{ status: 503, policy: policy.version, route: 'list', method: 'GET' },
        ...{ path: '/o/org-a/leave', user_id: null, token: null, fact: null },
        ...{ duration_us: 105_250, worker: 3 },
      },
    ])
    expect(counted).toEqual([
      { allowed: false, reason: 'unavailable', route: 'list', source: null, durationS: 0.10525 },
    ])
  })

  it('unread says that nothing is known', () => {
    const { counted, records, refuse } = refusing()
    refuse({ durationMs: 0 })
    expect(records).toMatchObject([
      { reason: 'unavailable', route: null, method: '', host: '', path: null, request_id: null },
    ])
    expect(counted).toMatchObject([{ route: '', reason: 'unavailable' }])
  })

  it('is refused all the same where it cannot be logged', () => {
    const bug = new TypeError('bug')
    const { faults, refuse } = refusing({
      policy: () => {
        throw bug
      },
    })
    expect(refuse({ durationMs: 0 })).toBe('the-id')
    expect(faults).toEqual([bug])
  })
})
