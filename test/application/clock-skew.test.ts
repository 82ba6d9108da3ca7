import { describe, expect, it } from 'vitest'
import { createClockSkew } from '../../src/application/clock-skew.ts'
import { nowMs } from '../support/builders.ts'

/** What is made of a read that took so long and began, by PostgreSQL's clock, so long after it was sent. */
function skewOf(reads: readonly { readonly tookMs: number; readonly beganMs: number }[]) {
  const skew = createClockSkew()
  for (const { beganMs, tookMs } of reads) {
    skew.observe(
      { monotonicMs: 50, wallMs: nowMs },
      { monotonicMs: 50 + tookMs, wallMs: nowMs + tookMs },
      nowMs + beganMs,
    )
  }
  return { ms: skew.ms(), apart: skew.apart() }
}

describe('the skew of clocks', () => {
  it('is none before a read was seen', () => {
    expect(skewOf([])).toEqual({ ms: 0, apart: false })
  })

  it.each([
    ['began as it was sent', 10, 0, 0, false],
    ['began while it was under way', 10, 7, 0, false],
    ['began as it was answered', 10, 10, 0, false],
    ['began before it was sent', 10, -1, -1, false],
    ['began 2 s before it was sent', 10, -2_000, -2_000, false],
    ['began more than 2 s before it was sent', 10, -2_001, -2_001, true],
    ['began after it was answered', 10, 11, 1, false],
    ['began 2 s after it was answered', 10, 2_010, 2_000, false],
    ['began more than 2 s after it was answered', 10, 2_011, 2_001, true],
    ['took 1 s', 1_000, -5_000, -5_000, true],
    ['took too long to tell anything', 1_001, -5_000, 0, false],
    ['took too long, the other way', 1_001, 50_000, 0, false],
  ])('of a read that %s', (_title, tookMs, beganMs, ms, apart) => {
    expect(skewOf([{ tookMs, beganMs }])).toEqual({ ms, apart })
  })

  it('is what the last telling read has shown', () => {
    const apart = { tookMs: 5, beganMs: -10_000 }
    expect(skewOf([apart, { tookMs: 5, beganMs: 2 }])).toEqual({ ms: 0, apart: false })
    expect(skewOf([apart, { tookMs: 5_000, beganMs: 2 }])).toEqual({ ms: -10_000, apart: true })
    expect(skewOf([{ tookMs: 5, beganMs: 2 }, apart])).toEqual({ ms: -10_000, apart: true })
  })

  it('is told by the time that the read took, however the wall clock was set meanwhile', () => {
    const skew = createClockSkew()
    const sent = { monotonicMs: 50, wallMs: nowMs }
    skew.observe(sent, { monotonicMs: 60, wallMs: nowMs + 60_000 }, nowMs + 60_000)
    expect(skew.apart()).toBe(false)
    skew.observe(sent, { monotonicMs: 60, wallMs: nowMs - 60_000 }, nowMs + 5)
    expect(skew.ms()).toBe(60_005)
  })
})
