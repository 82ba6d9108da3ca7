import type { Check } from '../../src/application/check.ts'
import { describe, expect, it } from 'vitest'
import { observeCheck, type ObserveCheckDeps } from '../../src/application/observe-check.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import {
  decide,
  factOf,
  nowMs,
  policyWith,
  requestOf,
  until,
  type World,
} from '../support/builders.ts'

const policy = policyWith([
  '{ name: list, match: "GET /o/{organizationId}/leave", permission: leave:read }',
])
const inTime = until(new AbortController().signal)

/** A clock of batches that stands at 0, in a process whose monotonic clock goes 0.25 ms a reading. */
const batch = (maxMs: number) => ({ clock: () => ({ monotonicMs: 0, wallMs: nowMs - 5 }), maxMs })

function observed(
  world: World,
  deps: Partial<ObserveCheckDeps> & {
    readonly accepts?: boolean
    readonly keepsNothing?: boolean
  } = {},
  checked: Check = (asked) => Promise.resolve(decide(policy, asked, world)),
) {
  const records: DecisionRecord[] = []
  const counted: Parameters<ObserveCheckDeps['metrics']['decided']>[0][] = []
  let monotonicMs = 0
  const check = observeCheck(checked, {
    log: {
      keepsNothing: deps.keepsNothing === true,
      decision(record) {
        records.push(record)
        return deps.accepts ?? true
      },
      policy: () => undefined,
      close: () => Promise.resolve(),
    },
    metrics: { decided: (observation) => void counted.push(observation) },
    loggedAllows: 1,
    logRequired: false,
    worker: 3,
    now: () => nowMs,
    monotonicNow: () => (monotonicMs += 0.25),
    timestamp: (ms) => new Date(ms).toISOString(),
    newId: () => 'the-id',
    random: () => 0.5,
    ...deps,
  })
  return { check, records, counted }
}

const granted: World = { fact: factOf(['viewer']) }
const denied: World = { fact: factOf(['approver']) }
const request = requestOf('GET /o/org-a/leave?secret=1')

describe('an observed check', () => {
  it('is logged and counted once, under one id', async () => {
    const { check, records, counted } = observed(granted)
    const { decision, decisionId } = await check(request, inTime)
    expect([decision.reason, decisionId]).toEqual(['granted', 'the-id'])
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({
      decision_id: 'the-id',
      decision: 'allow',
      path: '/o/org-a/leave',
      timestamp: '2026-11-20T12:00:00.000Z',
      duration_us: 250,
      worker: 3,
    })
    expect(counted).toEqual([
      { allowed: true, reason: 'granted', route: 'list', source: 'postgres', durationS: 0.00025 },
    ])
  })

  it.each([
    ['an allow above the share is not logged', granted, 0.4, 0],
    ['an allow within the share is', granted, 0.6, 1],
    ['no allow is with a share of 0', granted, 0, 0],
    ['a denial always is', denied, 0, 1],
  ])('%s', async (_name, world, loggedAllows, lines) => {
    const { check, records, counted } = observed(world, { loggedAllows })
    await check(request, inTime)
    expect([records.length, counted.length]).toEqual([lines, 1])
  })

  it('is refused where the log is required and does not take the line', async () => {
    const { check, counted } = observed(granted, { accepts: false, logRequired: true })
    const { decision } = await check(request, inTime)
    expect([decision.reason, decision.passes]).toEqual(['unavailable', false])
    expect(counted[0]).toMatchObject({ allowed: false, reason: 'unavailable' })
  })

  it('is no allow where it comes late by the clock', async () => {
    const { check, records } = observed(granted)
    const { decision } = await check(request, { ...inTime, isLate: () => true })
    expect([decision.reason, decision.passes]).toEqual(['unavailable', false])
    expect(records[0]).toMatchObject({ decision: 'deny', reason: 'unavailable' })
  })

  it('is refused where its subject cannot be asserted to the upstream, and logged so', async () => {
    const { check, records } = observed(granted, { assert: () => ({ failed: true }) })
    const { assertion, decision } = await check(request, inTime)
    expect([decision.reason, decision.passes, assertion]).toEqual(['unavailable', false, undefined])
    expect(records[0]).toMatchObject({ decision: 'deny', reason: 'unavailable' })
  })

  it('carries the assertion that was made for it, under its own id', async () => {
    const assert: ObserveCheckDeps['assert'] = (decision, id) => ({
      token: `${decision.reason} ${id}`,
    })
    const { check } = observed(granted, { assert })
    expect((await check(request, inTime)).assertion).toBe('granted the-id')
  })

  it.each([
    ['granted', 'within', 1, 'granted'],
    ['no allow', 'beyond', 0.1, 'unavailable'],
  ])('is %s where it is decided at once %s the time that a batch may take', (...row) => {
    const [, , maxMs, reason] = row
    const atOnce: Check = (asked) => decide(policy, asked, granted)
    const { check, counted, records } = observed(granted, { batch: batch(maxMs) }, atOnce)
    const made = check(request, inTime)
    expect(made).not.toBeInstanceOf(Promise)
    expect(records).toMatchObject([
      { reason, duration_us: 250, timestamp: '2026-11-20T11:59:59.995Z' },
    ])
    expect(counted).toMatchObject([{ allowed: reason === 'granted', reason }])
  })

  it('is no allow where it is decided at once and its caller waits no longer', () => {
    const atOnce: Check = (asked) => decide(policy, asked, granted)
    const { check, records } = observed(granted, { batch: batch(1_000) }, atOnce)
    const readings: (number | undefined)[] = []
    const isLate = (atMs?: number): boolean => readings.push(atMs) > 0
    void check(request, { ...inTime, isLate })
    expect(records).toMatchObject([{ decision: 'deny', reason: 'unavailable' }])
    expect(readings).toEqual([0.25]) // the clock that goes on, not that of the batch
  })

  it('keeps its denial where it is decided late', () => {
    const atOnce: Check = (asked) => decide(policy, asked, denied)
    const { check, records } = observed(denied, { batch: batch(0.1) }, atOnce)
    void check(request, inTime)
    expect(records).toMatchObject([{ reason: 'permission_denied' }])
  })

  it('is not made into a record that nobody keeps', async () => {
    const { check, counted, records } = observed(granted, { keepsNothing: true, logRequired: true })
    const { decision } = await check(request, inTime)
    expect([decision.reason, records, counted.length]).toEqual(['granted', [], 1])
  })

  it('stands where the log is not required', async () => {
    const { check } = observed(granted, { accepts: false })
    expect((await check(request, inTime)).decision.passes).toBe(true)
  })
})
