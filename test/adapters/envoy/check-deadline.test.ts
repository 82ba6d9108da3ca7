import { describe, expect, it } from 'vitest'
import { CheckDeadline } from '../../../src/adapters/envoy/check-deadline.ts'

function setUp(leftMs: number) {
  let nowMs = 1_000
  const deadline = new CheckDeadline(leftMs, () => nowMs)
  return { deadline, pass: (ms: number): void => void (nowMs += ms) }
}

describe('a deadline', () => {
  it('tells how much time is left of it, by the clock', () => {
    const { deadline, pass } = setUp(100)
    expect([deadline.leftMs(), deadline.isLate()]).toEqual([100, false])
    pass(60)
    expect([deadline.leftMs(), deadline.isLate()]).toEqual([40, false])
    pass(41)
    expect([deadline.leftMs(), deadline.isLate()]).toEqual([0, true])
  })

  it('leaves no time to whom nobody waits for any more', () => {
    const { deadline } = setUp(100)
    const early = deadline.signal()
    deadline.cancel()
    expect([deadline.leftMs(), deadline.isLate(), early.aborted]).toEqual([0, true, true])
    expect(deadline.signal()).toBe(early)
    const { deadline: other } = setUp(100)
    other.cancel()
    expect(other.signal().aborted).toBe(true)
  })

  it('of no time has passed from the beginning', () => {
    const { deadline } = setUp(0)
    expect([deadline.leftMs(), deadline.isLate(), deadline.signal().aborted]).toEqual([
      0,
      true,
      true,
    ])
  })
})
