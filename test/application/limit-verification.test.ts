import { describe, expect, it } from 'vitest'
import { createVerificationLimit } from '../../src/application/limit-verification.ts'
import type { GateCaller } from '../../src/application/gate.ts'

const caller = (leftMs = Infinity, signal = new AbortController().signal): GateCaller => ({
  leftMs: () => (signal.aborted ? 0 : leftMs),
  signal: () => signal,
})

/** A limit of 2 ms a turn, on a clock and an event loop that the test moves. */
function setUp(spareCores = 0) {
  let nowMs = 1_000
  const planned: (() => void)[] = []
  const limit = createVerificationLimit({
    spareCores,
    patienceMs: 50,
    turnMs: 2,
    afterTurn: (task) => void planned.push(task),
    monotonicNow: () => nowMs,
  })
  const done: number[] = []
  /** Work that takes so many ms of this thread. */
  const work =
    (name: number, ms = 1) =>
    (): number => {
      nowMs += ms
      done.push(name)
      return name
    }
  return {
    limit,
    done,
    work,
    pass: (ms: number): void => void (nowMs += ms),
    planned: () => planned.length,
    /** The turn ends, and nobody was told of it yet. */
    endTurn: (): void => planned.shift()?.(),
    turn: async (): Promise<void> => {
      for (const task of planned.splice(0)) {
        task()
        await settle()
      }
    },
  }
}

/** What all of them are told, at once or later. */
const allOf = <T>(told: readonly (T | Promise<T>)[]): Promise<readonly T[]> =>
  Promise.all(told.map(async (one) => one))

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('work of this thread', () => {
  it('is done at once while the turn has time for it', () => {
    const { done, limit, work } = setUp()
    expect(limit.here(work(1), caller())).toBe(1)
    expect(limit.here(work(2), caller())).toBe(2)
    expect(done).toEqual([1, 2])
  })

  it('waits for a later turn once this one had its time, in its order', async () => {
    const { done, limit, turn, work } = setUp()
    const all = [1, 2, 3, 4, 5, 6].map((name) => limit.here(work(name), caller()))
    expect(done).toEqual([1, 2])
    await turn()
    expect(done).toEqual([1, 2, 3, 4])
    await turn()
    expect(await allOf(all)).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('does not go before what waits already', async () => {
    const { done, limit, turn, work } = setUp()
    const all = [1, 2, 3, 4, 5].map((name) => limit.here(work(name), caller()))
    await turn()
    await turn()
    // Three have had their turn, and this one has time; those that came first are done by now.
    all.push(limit.here(work(6), caller()))
    await turn()
    await allOf(all)
    expect(done).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('does not go before it in a turn that has just begun either', async () => {
    const { done, endTurn, limit, turn, work } = setUp()
    const all = [1, 2, 3].map((name) => limit.here(work(name, 2), caller()))
    endTurn()
    all.push(limit.here(work(4), caller()))
    expect(done).toEqual([1, 2])
    await turn()
    await turn()
    await allOf(all)
    expect(done).toEqual([1, 2, 3, 4])
  })

  it('waits only with so many others', async () => {
    const { done, limit, turn, work } = setUp()
    void limit.here(work(0, 2), caller())
    const all = Array.from({ length: 2_000 }, (_, at) => limit.here(work(at + 1, 0), caller()))
    expect(() => limit.here(work(-1, 0), caller())).toThrow('too many tokens wait to be verified')
    await turn()
    await allOf(all)
    expect(done).toHaveLength(2_001)
  })

  it('has the time of a turn anew in each, however little is asked for', async () => {
    const { limit, planned, turn, work } = setUp()
    for (let round = 0; round < 10; round += 1) {
      expect(limit.here(work(1, 1.5), caller())).toBe(1)
      expect(limit.here(work(2, 1.5), caller())).toBe(2)
      expect(limit.here(work(3, 1.5), caller())).toBeInstanceOf(Promise)
      expect(planned()).toBeGreaterThan(0)
      await turn()
      await turn()
    }
  })

  it('takes as many into a turn as it has time for, however many wait', async () => {
    const { done, limit, turn, work } = setUp()
    void limit.here(work(0, 2), caller())
    for (let name = 1; name <= 400; name += 1) {
      void limit.here(work(name, 0.01), caller())
    }
    await turn()
    // 200 of 0.01 ms, give or take what adds up of so small numbers.
    expect(done.length).toBeGreaterThan(195)
    expect(done.length).toBeLessThan(210)
  })

  it('is never done for whom time ran out', async () => {
    const { done, limit, turn, work } = setUp()
    const aborter = new AbortController()
    void limit.here(work(1, 2), caller())
    const given = Array.from({ length: 21 }, (_, name) =>
      limit.here(work(2 + name, 0), caller(50, aborter.signal)),
    )
    const settled = Promise.allSettled(given.map(async (one) => one))
    aborter.abort()
    await turn()
    for (const one of await settled) {
      expect(one).toMatchObject({ reason: { code: 'VERIFICATION_UNAVAILABLE' } })
    }
    expect(done).toEqual([1])
    expect(await limit.here(work(9), caller())).toBe(9)
  })

  it('is refused at once where so much waits that its turn would come too late', async () => {
    const { limit, turn, work } = setUp()
    const all: unknown[] = []
    // Two ms in a turn of ten: what that makes of those that wait is learned first.
    const busy = async (): Promise<void> => {
      for (let name = 0; name < 20; name += 1) all.push(limit.here(work(name, 0.5), caller()))
      await turn()
    }
    for (let round = 0; round < 20; round += 1) await busy()
    expect(() => limit.here(work(-1), caller(10))).toThrow('too many tokens wait')
    expect(limit.here(work(-2), caller(10_000))).toBeInstanceOf(Promise)
  })

  it('comes to its turn in its order, however many come after it', async () => {
    const { done, limit, turn, work } = setUp()
    let next = 0
    for (let round = 0; round < 50; round += 1) {
      // Two a turn are done, three a turn come: each waits longer, and none is left out.
      for (let come = 0; come < 3; come += 1) void limit.here(work((next += 1)), caller())
      await turn()
    }
    expect(done.length).toBeGreaterThan(90)
    expect(done).toEqual(Array.from(done, (_, at) => at + 1))
  })

  it('fails as it fails, and takes its time all the same', async () => {
    const { limit, turn, work } = setUp()
    const failing = (): never => {
      work(1, 2)()
      throw new Error('a bug')
    }
    expect(() => limit.here(failing, caller())).toThrow('a bug')
    const later = limit.here(failing, caller())
    await Promise.all([expect(later).rejects.toThrow('a bug'), turn()])
  })
})

describe('work of other threads', () => {
  it('is done by as many as there are cores to spare, and by one where there are none', async () => {
    for (const [spareCores, atOnce] of [
      [-1, 1],
      [0, 1],
      [3, 3],
    ] as const) {
      const { limit } = setUp(spareCores)
      const running: PromiseWithResolvers<number>[] = []
      const task = (): Promise<number> => {
        running.push(Promise.withResolvers<number>())
        return running.at(-1)?.promise ?? Promise.reject(new Error('none'))
      }
      const all = Array.from({ length: 5 }, () => limit.elsewhere(task, caller()))
      await settle()
      expect(running).toHaveLength(atOnce)
      for (let ended = 0; ended < 5; ended += 1) {
        running[ended]?.resolve(ended)
        await settle()
      }
      expect(await allOf(all)).toEqual([0, 1, 2, 3, 4])
    }
  })
})

describe('work that either can do', () => {
  const both = (here: () => number) => {
    const elsewhere: PromiseWithResolvers<number>[] = []
    return {
      elsewhere,
      work: {
        here,
        elsewhere: (): Promise<number> => {
          elsewhere.push(Promise.withResolvers<number>())
          return elsewhere.at(-1)?.promise ?? Promise.reject(new Error('none'))
        },
      },
    }
  }

  it('is done here, then by cores to spare, then in a later turn', async () => {
    const { done, limit, turn, work } = setUp(1)
    const { elsewhere, work: either } = both(work(1, 2))
    expect(limit.wherever(either, caller())).toBe(1)
    const other = limit.wherever(either, caller())
    expect(elsewhere).toHaveLength(1)
    const later = limit.wherever(either, caller())
    expect([elsewhere.length, done.length]).toEqual([1, 1])
    await turn()
    expect(await later).toBe(1)
    elsewhere[0]?.resolve(7)
    expect(await other).toBe(7)
    expect(done).toEqual([1, 1])
  })

  it('never leaves this thread where no core is to spare', async () => {
    const { limit, turn, work } = setUp(0)
    const { elsewhere, work: either } = both(work(1, 2))
    const all = [1, 2, 3].map(() => limit.wherever(either, caller()))
    await turn()
    await turn()
    expect(await allOf(all)).toEqual([1, 1, 1])
    expect(elsewhere).toHaveLength(0)
  })
})
