import { describe, expect, it } from 'vitest'
import { createWaitingLine } from '../../src/application/waiting-line.ts'

/** A line of 30 ms of patience, on a clock that the test moves, and what became of whom. */
function setUp() {
  let nowMs = 0
  const line = createWaitingLine({ patienceMs: 30, monotonicNow: () => nowMs })
  const became: [number, boolean][] = []
  const aborters = new Map<number, AbortController>()
  return {
    line,
    became,
    pass: (ms: number): void => void (nowMs += ms),
    join: (...names: number[]): void => {
      for (const name of names) {
        const aborter = new AbortController()
        aborters.set(name, aborter)
        line.join(aborter.signal, (isAdmitted) => became.push([name, isAdmitted]))
      }
    },
    giveUp: (...names: number[]): void => names.forEach((name) => aborters.get(name)?.abort()),
    admit: line.admitNext,
  }
}

describe('a line', () => {
  it('admits nobody who has given up, first or last', () => {
    const { admit, became, giveUp, join, line, pass } = setUp()
    join(1, 2, 3, 4, 5, 6)
    giveUp(1, 2)
    expect(line.waiting()).toBe(4)
    admit()
    pass(31)
    giveUp(5, 6)
    admit() // the first is late: the newest that still waits
    expect(line.waiting()).toBe(0)
    expect(admit()).toBe(false)
    expect(became.filter(([, isAdmitted]) => isAdmitted)).toEqual([
      [3, true],
      [4, true],
    ])
    expect(became).toHaveLength(6)
  })

  it('lets nobody in whose signal has aborted', () => {
    const { line } = setUp()
    const told: boolean[] = []
    line.join(AbortSignal.abort(), (isAdmitted) => told.push(isAdmitted))
    expect(told).toEqual([false])
    expect(line.waiting()).toBe(0)
  })

  it('settles each once: who was admitted can give up no more', () => {
    const { admit, became, giveUp, join, line } = setUp()
    join(1, 2)
    admit()
    giveUp(1)
    expect(became).toEqual([[1, true]])
    expect(line.waiting()).toBe(1)
  })

  it('goes on in order, however many have come and gone', () => {
    const { admit, became, giveUp, join, line } = setUp()
    join(0)
    for (let name = 1; name <= 2_000; name += 1) {
      join(name)
      if (name % 3 === 0) giveUp(name)
      else if (name % 3 === 1) admit()
    }
    const left = line.waiting()
    for (let at = 0; at < left; at += 1) expect(admit()).toBe(true)
    expect(admit()).toBe(false)
    const admitted = became.flatMap(([name, isAdmitted]) => (isAdmitted ? [name] : []))
    expect(admitted).toEqual(admitted.toSorted((one, other) => one - other))
    expect(admitted).toHaveLength(2_001 - Math.floor(2_000 / 3))
    expect(line.waiting()).toBe(0)
  })
})
