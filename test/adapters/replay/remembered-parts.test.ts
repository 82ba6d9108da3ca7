import { expect, it } from 'vitest'
import { RememberedParts } from '../../../src/adapters/replay/remembered-parts.ts'

function counted() {
  const calls = { count: 0 }
  const parts = new RememberedParts((text) => {
    calls.count += 1
    return text === 'none' ? undefined : { text }
  })
  return { calls, parts }
}
const partOf = (index: number): string => `${index} `.padEnd(1_000, 'x')

it('parses each part once, as UTF-8', () => {
  const { calls, parts } = counted()
  const part = Buffer.from('Jörg').toString('latin1')
  expect(parts.read(part)).toEqual({ text: 'Jörg' })
  expect(parts.read(part)).toBe(parts.read(part))
  expect(calls.count).toBe(1)
})

it.each(['none', 'a\nb', '\xff'])('is undefined, each time, for what is no part: %j', (part) => {
  const { parts } = counted()
  expect([parts.read(part), parts.read(part)]).toEqual([undefined, undefined])
})

it('forgets parts rather than to grow, and goes on where they come again', () => {
  const { calls, parts } = counted()
  for (let index = 0; index < 2_000; index++) {
    for (let again = 0; again < 2; again++) {
      expect(parts.read(partOf(index))).toEqual({ text: partOf(index) })
    }
  }
  expect(calls.count).toBe(2_000)
  parts.read(partOf(0))
  expect(calls.count).toBe(2_001)
})

it('gives up where parts do not come again', () => {
  const { calls, parts } = counted()
  for (let index = 0; index < 2_000; index++) parts.read(partOf(index))
  expect(calls.count).toBeGreaterThan(100)
  expect(calls.count).toBeLessThan(600)
  expect(parts.read(partOf(3_000))).toBeUndefined()
})
