import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  countKey,
  mergeKeyCounts,
  newKeyCounts,
  topKeys,
  type KeyCounts,
} from '../../src/application/key-counts.ts'

type Event = readonly [key: string, index: number]
const events = fc.array(
  fc.tuple(
    fc.nat({ max: 40 }).map((n) => `key-${n}`),
    fc.nat({ max: 1 }),
  ),
  { maxLength: 200, size: 'max' },
)
const maxKeys = 8

function counted(events: readonly Event[]): KeyCounts {
  const counts = newKeyCounts(2, maxKeys)
  for (const [key, index] of events) countKey(counts, key, index)
  return counts
}

it('the same is told whatever the order of the input and however it was cut', () => {
  fc.assert(
    fc.property(events, fc.array(fc.nat({ max: 200 })), fc.boolean(), (events, cuts, turned) => {
      const whole = topKeys(counted(events), 100)
      const bounds = [0, ...cuts.map((cut) => cut % (events.length + 1)), events.length]
      bounds.sort((a, b) => a - b)
      const parts = bounds.slice(1).map((end, index) => events.slice(bounds[index], end))
      if (turned) parts.reverse()
      const into = newKeyCounts(2, maxKeys)
      for (const part of parts) mergeKeyCounts(into, counted(turned ? part.toReversed() : part))
      expect(topKeys(into, 100)).toEqual(whole)
    }),
    { numRuns: 500 },
  )
})

it('every key that is told apart is counted exactly, and the rest together', () => {
  fc.assert(
    fc.property(events, (events) => {
      const { keys, others } = topKeys(counted(events), 100)
      const exact = (key: string, index: number): number =>
        events.filter(([k, i]) => k === key && i === index).length
      expect(keys.length).toBe(Math.min(maxKeys, new Set(events.map(([key]) => key)).size))
      for (const [key, numbers] of keys) expect(numbers).toEqual([exact(key, 0), exact(key, 1)])
      for (const index of [0, 1]) {
        const told = keys.reduce((sum, [, numbers]) => sum + (numbers[index] ?? 0), 0)
        expect(told + (others[index] ?? 0)).toBe(events.filter(([, i]) => i === index).length)
      }
    }),
    { numRuns: 500 },
  )
})

it('memory does not grow with the keys', () => {
  const counts = newKeyCounts(2, 100)
  for (let index = 0; index < 20_000; index++) countKey(counts, `key-${index}`, 0)
  expect(counts.keys.size).toBeLessThanOrEqual(200)
  expect(topKeys(counts, 1_000).keys).toHaveLength(100)
  expect(topKeys(counts, 1_000).others).toEqual([19_900, 0])
})

it('the most affected come first', () => {
  const counts = counted([
    ['key-1', 0],
    ['key-2', 1],
    ['key-2', 0],
    ['key-3', 0],
  ])
  expect(topKeys(counts, 2)).toEqual({
    keys: [
      ['key-2', [1, 1]],
      ['key-1', [1, 0]],
    ],
    others: [1, 0],
  })
})
