import { beforeEach, expect, it } from 'vitest'
import { deferDecisions } from '../../src/application/defer-decisions.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import type { DecisionLog } from '../../src/ports/decision-log.ts'
import { nowMs } from '../support/builders.ts'
import { recordedDecision } from '../support/decision-records.ts'

let told: string[]
let ends: (() => void)[]
let timers: { readonly task: () => void; readonly ms: number }[]
let log: DecisionLog
let flush: () => void

const record = (name: string): DecisionRecord => ({
  ...recordedDecision(0, { atMs: nowMs }),
  decision_id: name,
})
const endOfTurn = (): void => ends.splice(0).forEach((task) => task())
const soon = (): void => timers.splice(0).forEach(({ task }) => task())
const decide = (...names: readonly string[]): void =>
  names.forEach((name) => expect(log.decision(record(name))).toBe(true))
const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, number) => `${number}`)

beforeEach(() => {
  told = []
  ends = []
  timers = []
  const deferred = deferDecisions<DecisionLog>(
    {
      decision: ({ decision_id }) => told.push(decision_id) > 0,
      policy: (version) => void told.push(`policy ${version}`),
      close: async () => void told.push('closed'),
    },
    {
      afterTurn: (task) => void ends.push(task),
      after: (task, ms) => void timers.push({ task, ms }),
    },
  )
  log = deferred.log
  flush = deferred.flush
})

it('a few decisions are logged in order a moment later, by one timer', () => {
  for (const turn of ['a', 'b']) {
    decide(`${turn}1`, `${turn}2`, `${turn}3`)
    endOfTurn()
    expect(timers.map(({ ms }) => ms)).toEqual([10])
  }
  expect(told).toEqual([])
  soon()
  expect(told).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3'])
  decide('c')
  soon()
  expect(told.at(-1)).toBe('c')
})

it('many are logged at the end of their turn, which is asked for once', () => {
  const names = numbered(64)
  decide(...names)
  expect([told.length, ends.length]).toEqual([0, 1])
  endOfTurn()
  expect(told).toEqual(names)
  decide('late')
  expect([ends.length, timers.length]).toEqual([0, 1])
  soon()
  expect(told.at(-1)).toBe('late')
})

it('are logged at once for whoever wants to see them', () => {
  decide('a', 'b')
  flush()
  expect(told).toEqual(['a', 'b'])
  soon()
  expect(told).toHaveLength(2)
})

it('a policy comes after what was decided before it, and before what is decided after it', () => {
  log.decision(record('old'))
  log.policy('new', {} as never)
  log.decision(record('new'))
  soon()
  expect(told).toEqual(['old', 'policy new', 'new'])
})

it('none is lost where the log is closed before they were logged', async () => {
  log.decision(record('last'))
  await log.close()
  expect(told).toEqual(['last', 'closed'])
  soon()
  expect(told).toHaveLength(2)
})

it('a turn without an end holds back a bounded number', () => {
  const names = numbered(2_500)
  decide(...names)
  expect(names.length - told.length).toBeLessThanOrEqual(1_000)
  endOfTurn()
  expect(told).toEqual(names)
})
