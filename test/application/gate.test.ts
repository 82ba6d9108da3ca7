import { describe, expect, it } from 'vitest'
import { createGate, type GateCaller } from '../../src/application/gate.ts'

/** Tasks that run until they are told to end, and what ran in which order. */
function tasks() {
  const begun: number[] = []
  const ends = new Map<number, () => void>()
  return {
    begun,
    task: (name: number) => () => {
      begun.push(name)
      const { promise, resolve } = Promise.withResolvers<number>()
      ends.set(name, () => resolve(name))
      return promise
    },
    end: (name: number) => ends.get(name)?.(),
  }
}

/** A gate whose clock stands still unless it is told a time; it refuses by the bare reason. */
const gateOf = (places: number, maxWaiting: number, monotonicNow = () => 0) => {
  const refusal = (why: string) => new Error(why)
  const rules = { places, maxWaiting, patienceMs: 30, waitingShare: 0.5, monotonicNow, refusal }
  const gate = createGate(rules)
  return {
    ...gate,
    /** Also what is thrown at once. */
    run: async <T>(
      task: () => Promise<T>,
      signal: AbortSignal | undefined,
      leftMs = Infinity,
    ): Promise<T> => gate.run(task, callerOf(signal, leftMs)),
    runSync: gate.run,
  }
}

const callerOf = (
  signal: AbortSignal = new AbortController().signal,
  leftMs = Infinity,
): GateCaller => ({ leftMs: () => (signal.aborted ? 0 : leftMs), signal: () => signal })

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a gate', () => {
  it('lets as many in as it has places, the others in their order', async () => {
    const gate = gateOf(2, 10)
    const { begun, end, task } = tasks()
    const all = [1, 2, 3, 4].map((name) => gate.run(task(name), undefined))
    await settle()
    expect(begun).toEqual([1, 2])
    end(2)
    await settle()
    expect(begun).toEqual([1, 2, 3])
    end(1)
    await settle()
    for (const name of [3, 4]) end(name)
    expect(await Promise.all(all)).toEqual([1, 2, 3, 4])
  })

  it('tells how many run and how many wait; who gave up does not', async () => {
    const gate = gateOf(2, 10)
    const { end, task } = tasks()
    const aborter = new AbortController()
    expect(gate.usage()).toEqual({ running: 0, waiting: 0 })
    const all = [1, 2, 3].map((name) => gate.run(task(name), undefined))
    const gone = gate.run(task(4), aborter.signal)
    expect(gate.usage()).toEqual({ running: 2, waiting: 2 })
    aborter.abort()
    await expect(gone).rejects.toThrow()
    expect(gate.usage()).toEqual({ running: 2, waiting: 1 })
    end(1)
    await settle()
    expect(gate.usage()).toEqual({ running: 2, waiting: 0 })
    end(2)
    end(3)
    await Promise.all(all)
    expect(gate.usage()).toEqual({ running: 0, waiting: 0 })
  })

  it('serves the newest once the first has waited too long, and the order again after that', async () => {
    let nowMs = 0
    const gate = gateOf(1, 10, () => nowMs)
    const { begun, end, task } = tasks()
    const all = [gate.run(task(1), undefined), gate.run(task(2), undefined)]
    await settle()
    nowMs = 20
    all.push(gate.run(task(3), undefined), gate.run(task(4), undefined))
    nowMs = 31
    end(1)
    await settle()
    expect(begun).toEqual([1, 4])
    end(4)
    await settle()
    expect(begun).toEqual([1, 4, 3])
    end(3)
    await settle()
    end(2)
    await Promise.all(all)
    const later = [5, 6, 7].map((name) => gate.run(task(name), undefined))
    await settle()
    end(5)
    await settle()
    end(6)
    await settle()
    end(7)
    await Promise.all(later)
    expect(begun).toEqual([1, 4, 3, 2, 5, 6, 7])
  })

  it('never runs what nobody waits for any more, and keeps its place for the next', async () => {
    const gate = gateOf(1, 10)
    const { begun, end, task } = tasks()
    const aborter = new AbortController()
    const first = gate.run(task(1), undefined)
    const given = gate.run(task(2), aborter.signal)
    const third = gate.run(task(3), undefined)
    await settle()
    aborter.abort()
    await expect(given).rejects.toThrow('gone')
    end(1)
    await first
    await settle()
    end(3)
    await third
    expect(begun).toEqual([1, 3])
  })

  it('refuses at once what would wait behind too many, or has no time left', async () => {
    const gate = gateOf(1, 1)
    const { end, task } = tasks()
    const running = gate.run(task(1), undefined)
    const waiting = gate.run(task(2), undefined)
    await expect(gate.run(task(3), undefined)).rejects.toThrow('full')
    await expect(gate.run(task(4), AbortSignal.abort())).rejects.toThrow('late')
    expect(() => gate.runSync(task(5), callerOf())).toThrow('full')
    end(1)
    await running
    await settle()
    end(2)
    await waiting
  })

  it('forgets who gave up, however many do, and counts them no longer', async () => {
    const gate = gateOf(1, 3)
    const { begun, end, task } = tasks()
    const first = gate.run(task(0), undefined)
    for (let round = 0; round < 1_000; round += 1) {
      const aborter = new AbortController()
      const given = gate.run(task(round + 1), aborter.signal)
      aborter.abort()
      await expect(given).rejects.toThrow('gone')
    }
    const last = gate.run(task(-1), undefined)
    end(0)
    await first
    await settle()
    end(-1)
    await last
    expect(begun).toEqual([0, -1])
  })

  it('is left by a task that fails, also one that throws at once', async () => {
    const gate = gateOf(1, 10)
    const failing = (): Promise<never> => {
      throw new Error('at once')
    }
    await expect(gate.run(failing, undefined)).rejects.toThrow('at once')
    await expect(gate.run(() => Promise.reject(new Error('later')), undefined)).rejects.toThrow(
      'later',
    )
    expect(await gate.run(() => Promise.resolve('in'), undefined)).toBe('in')
  })
})

describe('what a gate expects of those that wait', () => {
  /** A gate of two places, its tasks ended by hand; each of the first took `tookMs`. */
  async function used(tookMs: number, times = 100) {
    let nowMs = 0
    const gate = gateOf(2, 1_000, () => nowMs)
    const { begun, end, task } = tasks()
    for (let name = 0; name < times; name += 1) {
      const running = gate.run(task(name), undefined)
      nowMs += tookMs
      end(name)
      await running
    }
    let next = times
    const pass = (ms: number): void => void (nowMs += ms)
    /** Whether one that has so much time is let in, be it to wait. */
    const takes = (leftMs: number): boolean => {
      const name = next
      try {
        gate.runSync(task(name), callerOf(undefined, leftMs)).catch(() => undefined)
        next += 1
        return true
      } catch (error) {
        expect(error).toMatchObject({ message: 'hopeless' })
        return false
      }
    }
    return { gate, begun, end, pass, takes }
  }

  it('lets in, and to wait, only as many as it can serve in half of their time', async () => {
    const { gate, takes } = await used(10)
    // Two run; the next waits for 5 ms, the third for 15 ms.
    expect([takes(1), takes(1)]).toEqual([true, true])
    expect(takes(8)).toBe(false)
    expect([takes(31), takes(31), takes(31)]).toEqual([true, true, true])
    expect(takes(31)).toBe(false)
    expect(takes(50)).toBe(true)
    expect(takes(Infinity)).toBe(true)
    expect(gate.usage()).toEqual({ running: 2, waiting: 5 })
  })

  it('refuses nobody before a task has told how long it takes', async () => {
    const { takes } = await used(0, 0)
    for (let name = 0; name < 100; name += 1) expect(takes(0.001)).toBe(true)
  })

  it('is not scared by one task during which the process stood still', async () => {
    const { end, pass, takes } = await used(1)
    expect([takes(1), takes(1)]).toEqual([true, true])
    pass(10_000)
    end(100)
    end(101)
    await settle()
    expect([takes(1), takes(1)]).toEqual([true, true])
    for (let waiting = 0; waiting < 20; waiting += 1) expect(takes(50)).toBe(true)
  })

  it('learns that tasks have become slow, and that they are quick again', async () => {
    const slow = await used(10)
    expect([slow.takes(1), slow.takes(1), slow.takes(8)]).toEqual([true, true, false])
    const { gate, end, pass, takes } = slow
    for (let name = 100; name < 200; name += 1) {
      pass(0.1)
      end(name)
      await settle()
      expect(takes(1_000)).toBe(true)
    }
    expect(takes(1)).toBe(true)
    expect(gate.usage()).toEqual({ running: 2, waiting: 1 })
  })
})
