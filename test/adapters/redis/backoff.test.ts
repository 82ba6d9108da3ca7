import { expect, it } from 'vitest'
import { createBackoff } from '../../../src/adapters/redis/backoff.ts'

function backoffWith(random: number) {
  const clock = { nowMs: 0 }
  return { clock, next: createBackoff({ monotonicNow: () => clock.nowMs, random: () => random }) }
}

it('waits longer each time, up to a second', () => {
  const { next } = backoffWith(1)
  expect(Array.from({ length: 9 }, next)).toEqual([20, 40, 80, 160, 320, 640, 1000, 1000, 1000])
})

it('leaves half of each wait to chance', () => {
  const { next } = backoffWith(0)
  expect(Array.from({ length: 9 }, next)).toEqual([10, 20, 40, 80, 160, 320, 500, 500, 500])
})

it('starts again after calm alone', () => {
  const { clock, next } = backoffWith(1)
  for (let count = 0; count < 5; count += 1) next()
  clock.nowMs += 5_000
  expect(next()).toBe(640)
  clock.nowMs += 5_001
  expect(next()).toBe(20)
})
