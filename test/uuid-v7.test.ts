import { expect, it } from 'vitest'
import { createUuidV7 } from '../src/uuid-v7.ts'

const form = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

it('ids are UUIDs of version 7 (RFC 9562), of their time, and none comes twice', () => {
  const newId = createUuidV7()
  const seen = new Set<string>()
  for (let index = 0; index < 5_000; index += 1) {
    const nowMs = Date.UTC(2026, 10, 20) + Math.floor(index / 3)
    const id = newId(nowMs)
    const [, high = '', low = ''] = form.exec(id) ?? []
    expect(Number.parseInt(high + low, 16), id).toBe(nowMs)
    seen.add(id)
  }
  expect(seen.size).toBe(5_000)
})

it('each random digit takes each of its values, about as often as the others', () => {
  const newId = createUuidV7()
  const count = 16_000
  const counts = Array.from({ length: 36 }, () => new Map<string, number>())
  for (let index = 0; index < count; index += 1) {
    const id = newId(1)
    for (const [place, own] of counts.entries()) {
      own.set(id.charAt(place), (own.get(id.charAt(place)) ?? 0) + 1)
    }
  }
  for (let place = 15; place < 36; place += 1) {
    const own = counts[place] ?? new Map<string, number>()
    if (place === 18 || place === 23) expect([...own.keys()]).toEqual(['-'])
    else {
      const values = place === 19 ? 4 : 16
      expect(own.size, `place ${place}`).toBe(values)
      // Seven standard deviations of a fair digit.
      for (const times of own.values()) {
        const fair = count / values
        expect(Math.abs(times - fair), `place ${place}`).toBeLessThan(7 * Math.sqrt(fair))
      }
    }
  }
})
