import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBoundedMap } from '../../../src/adapters/lru/bounded-map.ts'
import type { BoundedMap, BoundedMapOptions } from '../../../src/ports/bounded-map.ts'

interface Value {
  readonly name: string
  readonly bytes: number
}

/** A map of at most 3 entries and 100 bytes, and what left it. */
function smallMap(options: Partial<BoundedMapOptions<Value>> = {}) {
  const removed: string[] = []
  const map = createBoundedMap<Value>({
    maxEntries: 3,
    maxBytes: 100,
    sizeOf: ({ bytes }) => bytes,
    onRemoved: ({ name }, key) => removed.push(`${key}=${name}`),
    ...options,
  })
  const set = (key: string, bytes = 10, name = 'first') => map.set(key, { name, bytes })
  const keys = () => ['a', 'b', 'c', 'd', 'e'].filter((key) => map.peek(key) !== undefined).join('')
  return { map, set, keys, removed }
}

describe('a bounded map', () => {
  it('forgets what was used least recently', () => {
    const { keys, map, removed, set } = smallMap()
    for (const key of ['a', 'b', 'c']) set(key)
    map.get('a')
    set('d')
    expect(keys()).toBe('acd')
    expect(removed).toEqual(['b=first'])
  })

  it('takes no room before it is filled', () => {
    const heldBytes = (): number =>
      process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
    const before = heldBytes()
    const map = createBoundedMap<number>({
      ...{ maxEntries: 5_000_000, maxBytes: 5_000_000 },
      sizeOf: () => 1,
    })
    expect(heldBytes() - before).toBeLessThan(10_000_000)
    map.set('a', 1)
    expect(map.get('a')).toBe(1)
  })

  it('does not take a glance for a use', () => {
    const { keys, map, set } = smallMap()
    for (const key of ['a', 'b', 'c']) set(key)
    map.peek('a')
    set('d')
    expect(keys()).toBe('bcd')
  })

  it('forgets as many as a large value needs', () => {
    const { keys, map, removed, set } = smallMap()
    set('a', 40)
    set('b', 40)
    set('c', 80)
    expect(keys()).toBe('c')
    expect(removed).toEqual(['a=first', 'b=first'])
    expect([map.entries(), map.bytes()]).toEqual([1, 80])
  })

  it('does not keep a value larger than itself, which takes the place of none', () => {
    const { keys, removed, set } = smallMap()
    set('a', 50)
    set('b', 50)
    set('c', 101)
    expect(keys()).toBe('ab')
    expect(removed).toEqual([])
  })

  it('keeps neither the old value nor a new one that is too large', () => {
    const { keys, map, removed, set } = smallMap()
    set('a', 50)
    set('b', 50)
    set('a', 101, 'second')
    expect(keys()).toBe('b')
    expect(removed).toEqual(['a=first'])
    expect(map.bytes()).toBe(50)
  })

  it('tells of what was replaced, deleted and cleared, once', () => {
    const { map, removed, set } = smallMap()
    set('a')
    set('a', 20, 'second')
    map.delete('a')
    map.delete('a')
    set('b')
    set('c')
    map.clear()
    expect(removed.slice(0, 2)).toEqual(['a=first', 'a=second'])
    expect(removed.slice(2).sort()).toEqual(['b=first', 'c=first'])
    expect([map.entries(), map.bytes()]).toEqual([0, 0])
  })

  it('may be changed by who is told', () => {
    const map: BoundedMap<number> = createBoundedMap<number>({
      maxEntries: 2,
      maxBytes: 100,
      sizeOf: () => 1,
      onRemoved: (_value, key) => map.delete(key === 'a' ? 'b' : 'a'),
    })
    for (const key of ['a', 'b', 'c']) map.set(key, 1)
    expect(['a', 'b', 'c'].map(map.peek)).toEqual([undefined, undefined, 1])
  })

  it('takes any value, of any size that can be told', () => {
    const map = createBoundedMap<number | undefined>({
      maxEntries: 5,
      maxBytes: 10,
      sizeOf: (value) => value ?? 0,
    })
    map.set('none', 0)
    map.set('half', 0.5)
    map.set('undefined', undefined)
    expect([map.get('none'), map.get('half'), map.get('undefined')]).toEqual([0, 0.5, undefined])
    expect([map.entries(), map.bytes()]).toEqual([3, 3])
  })

  it('stays within its bounds and tells of all that leaves it, whatever is done', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const step = fc.oneof(
      fc.record({
        does: fc.constant('set' as const),
        key,
        bytes: fc.integer({ min: 1, max: 130 }),
      }),
      fc.record({ does: fc.constantFrom('get' as const, 'peek' as const, 'delete' as const), key }),
      fc.record({ does: fc.constant('clear' as const) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const held = new Map<string, Value>()
        const map = createBoundedMap<Value>({
          maxEntries: 3,
          maxBytes: 100,
          sizeOf: ({ bytes }) => bytes,
          onRemoved: (value, key) => {
            expect(held.get(key)).toBe(value)
            held.delete(key)
          },
        })
        for (const [index, step] of steps.entries()) {
          if (step.does === 'clear') map.clear()
          else if (step.does !== 'set') map[step.does](step.key)
          else {
            const value = { name: `v${index}`, bytes: step.bytes }
            map.set(step.key, value)
            expect(held.has(step.key)).toBe(false) // whatever was there, it was told of
            if (step.bytes <= 100) {
              held.set(step.key, value)
              expect(map.peek(step.key)).toBe(value)
            }
          }
          expect(map.entries()).toBe(held.size)
          expect(map.entries()).toBeLessThanOrEqual(3)
          expect(map.bytes()).toBe([...held.values()].reduce((sum, { bytes }) => sum + bytes, 0))
          expect(map.bytes()).toBeLessThanOrEqual(100)
          for (const [key, value] of held) expect(map.peek(key)).toBe(value)
        }
      }),
      { numRuns: 500 },
    )
  })
})
