import { describe, expect, it } from 'vitest'
import { createGate } from '../../../src/adapters/postgres/gate.ts'

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

/** A gate whose clock stands still unless it is told a time. */
const gateOf = (places: number, maxWaiting: number, monotonicNow = () => 0) =>
  createGate({ places, maxWaiting, patienceMs: 30, monotonicNow })

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
    await expect(given).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
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
    await expect(gate.run(task(3), undefined)).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    })
    await expect(gate.run(task(4), AbortSignal.abort())).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    })
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
      await expect(given).rejects.toMatchObject({ message: 'no connection was free in time' })
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
