import { beforeEach, describe, expect, it } from 'vitest'
import { createBoundedMap } from '../../src/adapters/lru/bounded-map.ts'
import {
  createFactMemory,
  type FactMemory,
  type MemoryEntry,
} from '../../src/application/fact-memory.ts'
import type { Change } from '../../src/domain/change-event.ts'
import { keyedPair, type Fact, type Pair } from '../../src/domain/fact.ts'
import { keepNote, noteOf } from '../../src/domain/remembered-fact.ts'
import { factOf, nowMs } from '../support/builders.ts'

/** Drops every fact that a change is of, whenever it was read. */
const dropAll = (memory: FactMemory, change: Change): readonly Pair[] =>
  memory.drop(change, { before: Infinity, max: Infinity }).pairs

let memory: FactMemory
const memoryOf = (maxEntries: number, maxBytes = 10_000_000): FactMemory =>
  createFactMemory({ createMap: createBoundedMap, maxEntries, maxBytes })

beforeEach(() => {
  memory = memoryOf(100)
})

/** A pair from its names, as `u1 org-a`, or `u1` without an organization. */
function pairOf(names: string): Pair {
  const [user = '', organization = null] = names.split(' ')
  return { user, organization }
}

function entryOf(names: string, fact: Partial<Fact> = {}): MemoryEntry {
  return {
    pair: pairOf(names),
    fact: factOf(['staff'], { source: 'memory', ...fact }),
    order: 1,
    since: { monotonicMs: 0, wallMs: nowMs },
    own: true,
    lifeMs: 1_000,
    cachedAtMs: undefined,
  }
}

const everyone = ['u1 org-a', 'u1 org-b', 'u1', 'u2 org-a', 'u2 org-b', 'org-a u1']
const held = (names: readonly string[] = everyone): readonly string[] =>
  names.filter((name) => memory.peek(pairOf(name)) !== undefined)
const remember = (names: readonly string[], absent = false): void =>
  names.forEach((name) => memory.set(entryOf(name), absent))

describe('the memory of facts', () => {
  it('finds an entry by its pair, and none by another', () => {
    expect(memory.get(pairOf('u1 org-a'))).toBeUndefined()
    const entry = entryOf('u1 org-a')
    memory.set(entry, false)
    expect(memory.get(entry.pair)).toMatchObject(entry)
    expect(memory.peek(entry.pair)).toMatchObject(entry)
    expect(held()).toEqual(['u1 org-a'])
  })

  it.each([[false], [true]])('replaces an entry, absent before: %s', (before) => {
    for (const after of [false, true]) {
      memory.set(entryOf('u1 org-a'), before)
      const entry = entryOf('u1 org-a')
      memory.set(entry, after)
      expect(memory.get(entry.pair)).toMatchObject(entry)
      expect(memory.usage().entries).toBe(1)
      expect(dropAll(memory, { user: 'u1', organization: null })).toEqual(after ? [] : [entry.pair])
      expect(memory.usage()).toEqual({ entries: 0, bytes: 0 })
    }
  })

  it.each([[false], [true]])('deletes an entry, absent: %s', (absent) => {
    remember(['u1 org-a', 'u2 org-a'], absent)
    memory.delete(pairOf('u1 org-a'))
    expect(held()).toEqual(['u2 org-a'])
  })
})

describe('a change', () => {
  const both = (user: string | null, organization: string | null): Change => ({
    user,
    organization,
  })

  it.each<[string, Change, string[]]>([
    ['a pair', both('u1', 'org-a'), ['u1 org-a']],
    ['a user', both('u1', null), ['u1 org-a', 'u1 org-b', 'u1']],
    ['an organization', both(null, 'org-a'), ['u1 org-a', 'u2 org-a']],
    ['another organization', both(null, 'org-b'), ['u1 org-b', 'u2 org-b']],
    ['nobody in memory', both('u3', null), []],
    ['no organization in memory', both(null, 'org-c'), []],
  ])('of %s drops what it is of, and tells', (_title, change, dropped) => {
    remember(everyone)
    expect(dropAll(memory, change)).toEqual(dropped.map(pairOf))
    expect(held()).toEqual(everyone.filter((name) => !dropped.includes(name)))
    expect(memory.usage().entries).toBe(everyone.length - dropped.length)
    remember(dropped)
    expect(dropAll(memory, change)).toEqual(dropped.map(pairOf))
  })

  it('of a pair tells that pair, also where memory held nothing of it', () => {
    expect(dropAll(memory, both('u1', 'org-a'))).toEqual([pairOf('u1 org-a')])
  })

  it.each<[string, Change]>([
    ['a pair', both('u1', 'org-a')],
    ['a user', both('u1', null)],
    ['an organization', both(null, 'org-a')],
  ])('of %s drops who was absent too', (_title, change) => {
    remember(['u1 org-a', 'u2 org-b'], true)
    dropAll(memory, change)
    expect(held()).toEqual(['u2 org-b'])
  })
})

describe('a change of many', () => {
  const ofOrganization = { user: null, organization: 'org-a' }
  const names = ['u1 org-a', 'u2 org-a', 'u3 org-a', 'u4 org-a', 'u5 org-a']

  it('drops so many at once, and tells whether there may be more', () => {
    remember(names)
    const limit = { before: 2, max: 2 }
    const told = [1, 2, 3].map(() => memory.drop(ofOrganization, limit))
    expect(told.map(({ more, pairs }) => [pairs.length, more])).toEqual([
      [2, true],
      [2, true],
      [1, false],
    ])
    expect(told.flatMap(({ pairs }) => pairs)).toEqual(names.map(pairOf))
    expect(held(names)).toEqual([])
  })

  it.each([
    ['before', 0, true],
    ['with', 1, false],
    ['after', 2, false],
  ])('leaves what was read %s it, or does not', (_title, order, dropped) => {
    memory.set({ ...entryOf('u1 org-a'), order }, false)
    memory.set({ ...entryOf('u2 org-a'), order }, true)
    const { more, pairs } = memory.drop(ofOrganization, { before: 1, max: 10 })
    expect([pairs, more]).toEqual([dropped ? [pairOf('u1 org-a')] : [], false])
    expect(held(names)).toEqual(dropped ? [] : ['u1 org-a', 'u2 org-a'])
  })

  it('counts those who are absent too', () => {
    remember(names, true)
    expect(memory.drop(ofOrganization, { before: 2, max: 3 })).toEqual({ pairs: [], more: true })
    expect(memory.usage().entries).toBe(2)
  })
})

describe('the bounds of memory', () => {
  it('keep so many entries, those that were used last', () => {
    memory = memoryOf(2)
    remember(['u1 org-a', 'u1 org-b'])
    memory.get(pairOf('u1 org-a'))
    memory.peek(pairOf('u1 org-b'))
    remember(['u2 org-a'])
    expect(held()).toEqual(['u1 org-a', 'u2 org-a'])
  })

  it('leave nothing of what was evicted to be dropped', () => {
    memory = memoryOf(1)
    remember(['u1 org-a', 'u1 org-b'])
    expect(dropAll(memory, { user: 'u1', organization: null })).toEqual([pairOf('u1 org-b')])
  })

  it('let strangers push nobody out', () => {
    memory = memoryOf(2)
    remember(['u1 org-a', 'u2 org-a'])
    for (let number = 0; number < 10_100; number += 1) remember([`stranger${number} org-a`], true)
    expect(held()).toEqual(['u1 org-a', 'u2 org-a'])
    expect(memory.usage().entries).toBe(10_002)
  })

  it('keep so many bytes', () => {
    remember(['u1 org-a'])
    const { bytes } = memory.usage()
    expect(bytes).toBeGreaterThan(900)
    memory = memoryOf(100, 3 * bytes)
    remember(['u1 org-a', 'u1 org-b', 'u2 org-a', 'u2 org-b'])
    expect(memory.usage()).toEqual({ entries: 3, bytes: 3 * bytes })
  })

  it('keep nothing that is too large for all of them, nor what it replaces', () => {
    memory = memoryOf(100, 3_000)
    remember(['u1 org-a', 'u1 org-b'])
    memory.set(entryOf('u1 org-a', { platformRoles: ['x'.repeat(2_000)] }), false)
    expect(held()).toEqual(['u1 org-b'])
    expect(dropAll(memory, { user: 'u1', organization: null })).toEqual([pairOf('u1 org-b')])
  })

  it.each<[string, Partial<Fact>]>([
    ['rows', { rows: [['staff'], ['viewer']] }],
    ['roles', { rows: [['staff', 'viewer']] }],
    ['letters of roles', { rows: [['x'.repeat(200)]] }],
    ['platform roles', { platformRoles: ['user', 'support'] }],
    ['dynamic roles', { dynamic: new Map([['lead', []]]) }],
    ['dynamic permissions', { dynamic: new Map([['staff', ['leave:read']]]) }],
  ])('count %s', (_title, parts) => {
    const sizeOf = (fact: Partial<Fact>): number => {
      const one = memoryOf(1)
      one.set(entryOf('u1 org-a', fact), false)
      return one.usage().bytes
    }
    expect(sizeOf(parts)).toBeGreaterThan(sizeOf({}))
  })

  it('count what took the place of a fact, be it as large, larger or smaller', () => {
    const role = 'x'.repeat(2_000)
    for (const rows of [[['staff']], [['owner']], [[role]], [['staff']]]) {
      memory.set(entryOf('u1 org-a', { rows }), false)
      const fresh = memoryOf(100)
      fresh.set(entryOf('u1 org-a', { rows }), false)
      expect(memory.usage()).toEqual(fresh.usage())
      expect(memory.peek(pairOf('u1 org-a'))?.fact.rows).toEqual(rows)
      expect(dropAll(memory, { user: null, organization: 'org-a' })).toHaveLength(1)
      memory.set(entryOf('u1 org-a', { rows }), false)
    }
  })

  it('count the names of the pair', () => {
    remember(['u1 org-a'])
    const { bytes } = memory.usage()
    remember([`${'u'.repeat(102)} org-a`])
    expect(memory.usage().bytes).toBe(2 * bytes + 400)
  })
})

describe('a pair that is asked for again and again', () => {
  const again = keyedPair('u1', 'org-a')
  const entry = entryOf('u1 org-a')

  beforeEach(() => {
    memory.set(entry, false)
    expect([memory.get(again), memory.get(again)]).toMatchObject([entry, entry])
  })

  it.each<[string, () => void]>([
    ['is deleted', () => memory.delete(pairOf('u1 org-a'))],
    ['is dropped', () => dropAll(memory, { user: 'u1', organization: null })],
    ['is pushed out', () => remember(Array.from({ length: 100 }, (_, n) => `other${n} org-b`))],
  ])('finds its fact no more once it %s', (_how, leave) => {
    leave()
    expect(memory.get(again)).toBeUndefined()
    memory.set(entry, true)
    expect(memory.get(again)).toMatchObject(entry)
  })

  it('finds what took the place of its fact', () => {
    for (const absent of [false, true, false]) {
      const next = entryOf('u1 org-a', { banned: absent })
      memory.set(next, absent)
      expect(memory.get(again)).toMatchObject(next)
    }
  })

  it('finds in each memory what that one holds', () => {
    const other = memoryOf(100)
    expect(other.get(again)).toBeUndefined()
    const theirs = entryOf('u1 org-a', { banned: true })
    other.set(theirs, false)
    for (let round = 0; round < 2; round += 1) {
      expect(other.get(again)).toMatchObject(theirs)
      expect(memory.get(again)).toMatchObject(entry)
    }
  })

  it('holds nothing of a fact that left', () => {
    const found = memory.get(again)
    memory.delete(pairOf('u1 org-a'))
    expect(found?.fact).toMatchObject({ user: false, rows: [], platformRoles: [] })
  })

  it('is not what the memory holds: all that is known of its token would stay', () => {
    const other = memoryOf(100)
    other.set({ ...entry, pair: again }, false)
    expect(other.peek(again)?.pair).toStrictEqual(pairOf('u1 org-a'))
  })

  it('keeps its fact in use', () => {
    for (let number = 0; number < 1_000; number += 1) {
      memory.set(entryOf(`other${number} org-b`), false)
      expect(memory.get(again)).toMatchObject(entry)
    }
  })
})

it('a map that tells what it does not take as removed makes no two facts share their numbers', () => {
  memory = createFactMemory({
    ...{ maxEntries: 10, maxBytes: 100_000 },
    createMap(options) {
      const map = createBoundedMap(options)
      return {
        ...map,
        set(key, value) {
          if (key.startsWith('strange')) options.onRemoved?.(value, key)
          else map.set(key, value)
        },
      }
    },
  })
  for (const [order, names] of ['strange org-a', 'u1 org-a', 'u2 org-a'].entries()) {
    memory.set({ ...entryOf(names), order }, false)
  }
  expect(['u1 org-a', 'u2 org-a'].map((names) => memory.peek(pairOf(names))?.order)).toEqual([1, 2])
})

describe('a fact that is read again', () => {
  const again = keyedPair('u1', 'org-a')
  const read = (atMs: number, roles = ['staff']): void =>
    memory.set(
      {
        ...entryOf('u1 org-a', { rows: [roles], verifiedAtMs: atMs + 0.25 }),
        ...{ order: atMs, since: { monotonicMs: atMs + 0.5, wallMs: nowMs + atMs } },
        ...{
          own: atMs % 2 === 0,
          lifeMs: 10 * atMs,
          cachedAtMs: atMs % 3 === 0 ? atMs : undefined,
        },
      },
      false,
    )

  it('is told by the new numbers, all of them', () => {
    for (const atMs of [4, 3, 6, 5]) {
      read(atMs)
      expect(memory.get(again)).toMatchObject({
        ...{ order: atMs, since: { monotonicMs: atMs + 0.5, wallMs: nowMs + atMs } },
        ...{ own: atMs % 2 === 0, lifeMs: 10 * atMs },
        cachedAtMs: atMs % 3 === 0 ? atMs : undefined,
        fact: { verifiedAtMs: atMs + 0.25 },
      })
    }
  })

  it.each([
    ['was read again', () => read(2)],
    ['was read again otherwise', () => read(2, ['owner'])],
    ['was dropped', () => memory.delete(pairOf('u1 org-a'))],
  ])('stays as it was for who decides on it: it %s', (_how, next) => {
    read(1)
    const found = memory.get(again)?.fact
    next()
    expect(found).toMatchObject({ user: true, rows: [['staff']], verifiedAtMs: 1.25 })
  })

  it('keeps what was worked out of it, as long as it says the same', () => {
    const noted = (): unknown => {
      const found = memory.get(again)?.fact
      return found && noteOf(found)
    }
    const note = {}
    read(1)
    const first = memory.get(again)?.fact
    if (first !== undefined) keepNote(first, note)
    read(2)
    expect(noted()).toBe(note)
    expect(memory.ahead(again)).toBe(note)
    read(3, ['owner'])
    expect([noted(), memory.ahead(again)]).toEqual([undefined, undefined])
    read(4)
    expect(noted()).toBeUndefined()
  })

  it('is not what another entry says that took its place in memory', () => {
    read(1)
    const left = memory.get(again)
    memory.delete(pairOf('u1 org-a'))
    for (let number = 0; number < 50; number += 1) remember([`other${number} org-b`])
    expect(left).toMatchObject({ own: false, lifeMs: -Infinity, since: { wallMs: -Infinity } })
    expect(left?.fact).toMatchObject({ user: false, rows: [] })
    // Nor may it give back what is another's.
    memory.delete(pairOf('u1 org-a'))
    const all = Array.from({ length: 50 }, (_, number) => pairOf(`other${number} org-b`))
    expect(all.map((pair) => memory.peek(pair)?.order)).toEqual(all.map(() => 1))
  })
})
