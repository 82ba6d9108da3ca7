import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Check } from '../../src/application/check.ts'
import { observeCheck } from '../../src/application/observe-check.ts'
import { createRefuseCheck } from '../../src/application/refuse-check.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import { httpRequestBytes } from '../support/authorization-client.ts'
import { serve } from '../support/authorization-server.ts'
import { bearer, decide, policyWith } from '../support/builders.ts'

const me = httpRequestBytes({ method: 'GET', path: '/me', headers: { authorization: bearer } })

it('a check that comes too late for its caller is logged once, as what the caller was told', async () => {
  const records: DecisionRecord[] = []
  const settled = Promise.withResolvers<undefined>()
  const policy = policyWith(['{ name: me, match: GET /me, access: authenticated }'])
  const shared = {
    log: {
      decision: (record: DecisionRecord) => records.push(record) > 0,
      policy: () => undefined,
      close: () => Promise.resolve(),
    },
    metrics: { decided: () => undefined },
    ...{ worker: 0, now: Date.now, timestamp: String },
    newId: () => `decision-${records.length}`,
  }
  const late: Check = async (request) => {
    await pause(150)
    setImmediate(settled.resolve, undefined)
    return decide(policy, request)
  }
  const { client } = await serve({
    deadlineMs: 30,
    check: observeCheck(late, {
      ...{ ...shared, loggedAllows: 1, logRequired: false },
      ...{ monotonicNow: () => performance.now(), random: Math.random },
    }),
    refuse: createRefuseCheck({ ...shared, policy: () => policy, onFault: () => undefined }),
  })
  expect(await client.check(me)).toMatchObject({
    ...{ code: 14, httpStatus: 503 },
    body: { decision_id: 'decision-0' },
  })
  await settled.promise
  expect(records).toMatchObject([
    { decision_id: 'decision-0', reason: 'unavailable', route: 'me', path: '/me' },
  ])
})
