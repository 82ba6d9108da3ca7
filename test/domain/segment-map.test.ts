import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SegmentMap } from '../../src/domain/segment-map.ts'

const segment = fc.oneof(
  fc.stringMatching(/^[a-c]{0,3}$/),
  fc.stringMatching(/^[a-z0-9._-]{1,12}$/),
  fc.string({ unit: 'binary', maxLength: 4 }),
)

it('finds what a map of the same texts finds, wherever in a path', () => {
  let found = 0
  fc.assert(
    fc.property(
      fc.uniqueArray(segment, { maxLength: 60, size: 'max' }),
      fc.array(segment, { minLength: 1, maxLength: 20 }),
      fc.string({ maxLength: 5 }),
      (texts, others, before) => {
        const map = new SegmentMap<{ segment: string; value: number }>()
        const reference = new Map<string, number>()
        for (const [value, text] of texts.entries()) {
          map.add({ segment: text, value })
          reference.set(text, value)
        }
        for (const text of [...texts, ...others]) {
          const path = `${before}${text}/${text}x`
          const value = map.find(path, before.length, before.length + text.length)?.value
          expect(value).toBe(reference.get(text))
          if (value !== undefined) found += 1
        }
        expect([...map.values()].map(({ value }) => value).sort()).toEqual(
          [...reference.values()].sort(),
        )
      },
    ),
    { numRuns: 500 },
  )
  expect(found).toBeGreaterThan(1_000)
})

it('takes as many as a policy has, and more', () => {
  const map = new SegmentMap<{ segment: string; value: number }>()
  for (let index = 0; index < 100_000; index += 1) {
    map.add({ segment: `resource-${index}`, value: index })
  }
  for (let index = 0; index < 100_000; index += 1) {
    const text = `resource-${index}`
    if (map.find(text, 0, text.length)?.value !== index) expect.unreachable(text)
  }
  expect(map.find('resource-', 0, 9)).toBeUndefined()
})
