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
  const told: string[] = []
  const work =
    (name: string, ms = 1) =>
    (): string => {
      nowMs += ms
      done.push(name)
      return name
    }
  return {
    ...{ turns, done, told, work },
    /** Each takes 1 ms. */
    wait: (...names: string[]): void => {
      for (const name of names) {
        void turns.later(work(name), patient).then((value) => told.push(value))
      }
    },
    pass: (ms: number): void => void (nowMs += ms),
    endTurn: (): void => planned.splice(0).forEach((task) => task()),
    planned: (): number => planned.length,
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

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
    const { done, endTurn, told, wait } = setUp()
    wait('a', 'b')
    endTurn()
    expect([done, told]).toEqual([['a', 'b'], []])
    await settled()
    expect(told).toEqual(['a', 'b'])
  })

  it('is told together with that of later turns while others wait, but not for long', async () => {
    const { done, endTurn, pass, told, wait } = setUp()
    wait('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j')
    endTurn()
    pass(1)
    endTurn()
    await settled()
    expect([done.join(''), told]).toEqual(['abcd', []])
    pass(1)
    endTurn()
    await settled()
    // The first was done 6 ms ago.
    expect(told.join('')).toBe('abcdef')
    endTurn()
    await settled()
    expect(told.join('')).toBe('abcdef')
    endTurn()
    await settled()
    // Nobody waits any more.
    expect(told.join('')).toBe('abcdefghij')
  })

  it('is told at once where much of it was done', async () => {
    const { endTurn, told, turns, work } = setUp()
    for (let each = 0; each < 90; each += 1) {
      void turns.later(work('a', 1 / 32), patient).then((name) => told.push(name))
    }
    endTurn()
    await settled()
    expect(told).toHaveLength(64)
  })

  it('is told though all others have given up', async () => {
    const { endTurn, told, turns, wait, work } = setUp()
    const aborter = new AbortController()
    wait('a', 'b')
    const given = turns.later(work('c'), { leftMs: () => 100, signal: () => aborter.signal })
    endTurn()
    aborter.abort()
    await expect(given).rejects.toThrow('gone')
    endTurn()
    await settled()
    expect(told).toEqual(['a', 'b'])
  })

  it('fails as it fails, without a word to the others', async () => {
    const { endTurn, told, turns, wait } = setUp()
    const failing = turns.later((): string => {
      throw new Error('a bug')
    }, patient)
    wait('a')
    endTurn()
    await expect(failing).rejects.toThrow('a bug')
    expect(told).toEqual(['a'])
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
