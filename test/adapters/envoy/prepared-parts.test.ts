import { expect, it } from 'vitest'
import { PreparedParts } from '../../../src/adapters/envoy/prepared-parts.ts'

const keys = Array.from({ length: 100 }, (_, index) => ({ index }))
const [first, second, ...others] = keys
if (first === undefined || second === undefined) throw new Error('there are no keys')

it('parts are found by their object, the last one that was set', () => {
  const parts = new PreparedParts<object, string>(10)
  parts.set(first, 'a')
  parts.set(second, 'b')
  parts.set(first, 'c')
  expect([first, second, {}].map((key) => parts.get(key))).toEqual(['c', 'b', undefined])
})

it('no more are kept than allowed, those of late use', () => {
  const parts = new PreparedParts<object, number>(10)
  parts.set(first, 0)
  parts.set(second, 1)
  for (const key of others) {
    parts.set(key, key.index)
    expect(parts.get(first)).toBe(0)
  }
  const kept = keys.filter((key) => parts.get(key) !== undefined)
  expect(kept.length).toBeLessThanOrEqual(10)
  expect(kept).toContain(others.at(-1))
  expect(kept).not.toContain(second)
})

it('setting one again and again pushes no other out', () => {
  const parts = new PreparedParts<object, number>(10)
  parts.set(first, 0)
  for (let time = 0; time < 100; time += 1) parts.set(second, time)
  expect([parts.get(first), parts.get(second)]).toEqual([0, 99])
})
