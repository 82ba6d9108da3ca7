import { expect, it } from 'vitest'
import { createBatchClock } from '../src/batch-clock.ts'

function pass(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

it('stands still in a batch, whatever time passes in it, and goes on in the next', () => {
  const { begin, end, now } = createBatchClock()
  begin()
  const first = now()
  pass(3)
  expect(now()).toBe(first)
  end()
  begin()
  const next = now()
  expect(next.monotonicMs - first.monotonicMs).toBeGreaterThanOrEqual(3)
  expect(now()).toBe(next)
  end()
  expect(Math.abs(next.wallMs - Date.now())).toBeLessThan(60_000)
})

it('goes on wherever no batch is', () => {
  const { begin, end, now } = createBatchClock()
  const read = (): number => {
    pass(1)
    return now().monotonicMs
  }
  const before = [read(), read()]
  begin()
  end()
  const all = [...before, read(), read()]
  expect(all).toEqual([...new Set(all)].toSorted((one, other) => one - other))
})
