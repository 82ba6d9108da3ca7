import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createTurnClock } from '../src/turn-clock.ts'
import { eventually } from './support/eventually.ts'

it('stands still for a turn, whatever time passes in it, and has gone on in the next', async () => {
  const clock = createTurnClock()
  const first = clock()
  const until = performance.now() + 3
  while (performance.now() < until);
  await Promise.resolve()
  expect(clock()).toBe(first)
  await turn()
  const next = clock()
  expect(next.monotonicMs - first.monotonicMs).toBeGreaterThanOrEqual(3)
  expect(clock()).toBe(next)
  await eventually(() => clock() !== next)
  expect(Math.abs(clock().wallMs - Date.now())).toBeLessThan(60_000)
})
