import { beforeEach, expect, it } from 'vitest'
import { deferDecisions } from '../../src/application/defer-decisions.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import type { DecisionLog } from '../../src/ports/decision-log.ts'
import { nowMs } from '../support/builders.ts'
import { recordedDecision } from '../support/decision-records.ts'

let told: string[]
let due: (() => void)[]
let log: DecisionLog

const record = (name: string): DecisionRecord => ({
  ...recordedDecision(0, { atMs: nowMs }),
  decision_id: name,
})
const endOfTurn = (): void => due.splice(0).forEach((task) => task())

beforeEach(() => {
  told = []
  due = []
  log = deferDecisions(
    {
      decision: ({ decision_id }) => told.push(decision_id) > 0,
      policy: (version) => void told.push(`policy ${version}`),
      close: async () => void told.push('closed'),
    },
    (task) => due.push(task),
  )
})

it('decisions are logged in order at the end of their turn, which is asked for once', () => {
  for (const turn of ['a', 'b']) {
    for (const name of ['1', '2', '3']) expect(log.decision(record(turn + name))).toBe(true)
    expect([told, due.length]).toEqual([turn === 'a' ? [] : ['a1', 'a2', 'a3'], 1])
    endOfTurn()
  }
  expect(told).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3'])
})

it('a policy comes after what was decided before it, and before what is decided after it', () => {
  log.decision(record('old'))
  log.policy('new', {} as never)
  log.decision(record('new'))
  endOfTurn()
  expect(told).toEqual(['old', 'policy new', 'new'])
})

it('none is lost where the log is closed in the middle of a turn', async () => {
  log.decision(record('last'))
  await log.close()
  expect(told).toEqual(['last', 'closed'])
  endOfTurn()
  expect(told).toHaveLength(2)
})

it('a turn without an end holds back a bounded number', () => {
  const names = Array.from({ length: 2_500 }, (_, number) => `${number}`)
  for (const name of names) log.decision(record(name))
  expect(names.length - told.length).toBeLessThanOrEqual(1_000)
  endOfTurn()
  expect(told).toEqual(names)
})
