import { describe, expect, it } from 'vitest'
import type { GateCaller } from '../../src/application/gate.ts'
import { createTurns } from '../../src/application/turns.ts'

/** Turns of 2 ms, on a clock and an event loop that the test moves. */
function setUp() {
  let nowMs = 1_000
  const planned: (() => void)[] = []
  const done: string[] = []
  const turns = createTurns({
    ...{ maxWaiting: 100, patienceMs: 50, waitingShare: 0.5, turnMs: 2 },
    afterTurn: (task) => void planned.push(task),
    monotonicNow: () => nowMs,
    refusal: (why) => new Error(why),
  })
  return {
    ...{ turns, done },
    pass: (ms: number): void => void (nowMs += ms),
    work:
      (name: string, ms = 1) =>
      (): string => {
        nowMs += ms
        done.push(name)
        return name
      },
    endTurn: (): void => planned.splice(0).forEach((task) => task()),
    planned: (): number => planned.length,
  }
}

const patient: GateCaller = { leftMs: () => Infinity, signal: () => new AbortController().signal }

describe('work that waits for a turn', () => {
  it('has one, also where none was used yet', async () => {
    const { done, endTurn, planned, turns, work } = setUp()
    const later = turns.later(work('a'), patient)
    expect([done, planned()]).toEqual([[], 1])
    endTurn()
    expect(await later).toBe('a')
  })

  it('is done in a row, and who waited is told afterwards', async () => {
    const { done, endTurn, turns, work } = setUp()
    const told: string[] = []
    const all = ['a', 'b', 'c'].map(async (name) => {
      told.push(await turns.later(work(name), patient))
    })
    endTurn()
    expect([done, told]).toEqual([['a', 'b'], []])
    await Promise.resolve()
    expect(told).toEqual(['a', 'b'])
    endTurn()
    await Promise.all(all)
    expect(told).toEqual(['a', 'b', 'c'])
  })

  it('is not begun for whom it is too late already', () => {
    const { turns, work } = setUp()
    expect(() => turns.later(work('a'), { ...patient, leftMs: () => 0 })).toThrow('late')
  })

  it('is not done for whom it is too late by the clock, though nobody said so', async () => {
    const { done, endTurn, pass, turns, work } = setUp()
    let leftMs = 100
    const later = turns.later(work('a'), { ...patient, leftMs: () => leftMs })
    const next = turns.later(work('b'), patient)
    pass(100)
    leftMs = 0
    endTurn()
    await expect(later).rejects.toThrow('gone')
    expect([await next, done]).toEqual(['b', ['b']])
  })

  it('is given up at once, before any turn', async () => {
    const { done, endTurn, turns, work } = setUp()
    const aborter = new AbortController()
    const later = turns.later(work('a'), { leftMs: () => 100, signal: () => aborter.signal })
    aborter.abort()
    await expect(later).rejects.toThrow('gone')
    endTurn()
    expect(done).toEqual([])
  })

  it('is not thought to take long because nothing was done for long', () => {
    const { endTurn, pass, turns, work } = setUp()
    for (let round = 0; round < 100; round += 1) {
      void turns.later(work('a'), patient)
      endTurn()
      pass(10_000)
    }
    for (let each = 0; each < 20; each += 1) void turns.later(work('b'), patient)
    // Of 1 ms each, as they were: by the pauses it would be seconds.
    const hasTime = { ...patient, leftMs: () => 50 }
    expect(() => turns.later(work('c'), hasTime)).not.toThrow()
    expect(() => turns.later(work('d'), { ...patient, leftMs: () => 40 })).toThrow('hopeless')
  })
})
