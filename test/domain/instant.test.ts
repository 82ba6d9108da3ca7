import { describe, expect, it } from 'vitest'
import { ageMs, before } from '../../src/domain/instant.ts'

const then = { monotonicMs: 100, wallMs: 1_000_000 }

describe('ageMs', () => {
  it.each([
    ['both clocks agree', 30, 30, 30],
    ['no time has passed', 0, 0, 0],
    ['the machine slept', 2, 3_600_000, 3_600_000],
    ['the wall clock was set forward', 30, 90_030, 90_030],
    ['the wall clock was set back', 30, -90_000, 30],
    ['it is of a time to come', -20, -10, -10],
  ])('takes the clock that says longer ago where %s', (_title, monotonicMs, wallMs, age) => {
    const now = { monotonicMs: then.monotonicMs + monotonicMs, wallMs: then.wallMs + wallMs }
    expect(ageMs(then, now)).toBe(age)
  })
})

describe('before', () => {
  it('goes back by both clocks', () => {
    expect(before(then, 40)).toEqual({ monotonicMs: 60, wallMs: 999_960 })
  })

  it('is undone by age', () => {
    expect(ageMs(before(then, 7), then)).toBe(7)
  })
})
