import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTextSlots as createTexts } from '../../src/adapters/buffers/text-slots.ts'
import { createDecisionStore, keepDecisions } from '../../src/application/decision-store.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import { recordedDecision } from '../support/decision-records.ts'
import { nowMs } from '../support/builders.ts'

const record = (number: number, path = '/o/org-a/leave'): DecisionRecord => ({
  ...recordedDecision(number, { atMs: nowMs }),
  path,
  user_id: `u${number % 7}`,
})
const everything = () => true
const numbers = (records: readonly DecisionRecord[]) =>
  records.map(({ decision_id }) => Number.parseInt(decision_id.slice(-12), 16))

const { fact: factOfRecord, token: tokenOfRecord } = recordedDecision(0, { atMs: nowMs }) as {
  readonly fact: NonNullable<DecisionRecord['fact']>
  readonly token: NonNullable<DecisionRecord['token']>
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
function heapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

describe('a store of decisions', () => {
  it('holds the latest, newest first, whatever was put in', () => {
    fc.assert(
      fc.property(
        fc.record({
          maxEntries: fc.integer({ min: 1, max: 20 }),
          kept: fc.integer({ min: 0, max: 60 }),
          limit: fc.integer({ min: 1, max: 9 }),
          lookAt: fc.integer({ min: 1, max: 9 }),
          maxBytes: fc.constantFrom(1, 4_000, 1e9),
          user: fc.integer({ min: 0, max: 6 }),
        }),
        ({ kept, limit, lookAt, maxBytes, maxEntries, user }) => {
          const store = createDecisionStore({ createTexts, maxEntries, maxBytes: 1e9 })
          for (let number = 0; number < kept; number += 1) store.keep(record(number))
          const left = Array.from({ length: kept }, (_, n) => n)
            .slice(-maxEntries)
            .reverse()
          expect(store.usage().entries).toBe(left.length)
          const told: number[] = []
          const matches = (one: DecisionRecord) => one.user_id === `u${user}`
          for (let before: number | null = null, pages = 0; ; pages += 1) {
            expect(pages).toBeLessThan(70)
            const page = store.page({ before, limit, lookAt, matches, maxBytes })
            expect(page.records.length).toBeLessThanOrEqual(limit)
            told.push(...numbers(page.records))
            if (page.next === null) break
            before = page.next
          }
          expect(told).toEqual(left.filter((number) => number % 7 === user))
          for (const number of [0, kept - 1, kept]) {
            const found = store.find(record(number).decision_id)
            expect(found !== undefined).toBe(left.includes(number))
          }
        },
      ),
    )
  })

  it('tells none twice and skips none that stays while others come', () => {
    const store = createDecisionStore({ createTexts, maxEntries: 10, maxBytes: 1e9 })
    for (let number = 0; number < 10; number += 1) store.keep(record(number))
    const query = { limit: 3, lookAt: 100, matches: everything, maxBytes: 1e9 }
    const first = store.page({ ...query, before: null })
    for (let number = 10; number < 14; number += 1) store.keep(record(number))
    const second = store.page({ ...query, before: first.next })
    expect([first, second].map(({ records }) => numbers(records))).toEqual([
      [9, 8, 7],
      [6, 5, 4],
    ])
    expect(second.next).toBeNull()
    for (let number = 14; number < 30; number += 1) store.keep(record(number))
    // Where it would go on, all has left meanwhile.
    expect(store.page({ ...query, before: first.next })).toEqual({
      records: [],
      numbers: [],
      next: null,
    })
    // A number that was never given out, as of a forged cursor, tells no more.
    expect(numbers(store.page({ ...query, before: 1e15 + 3 }).records)).toEqual([29, 28, 27])
    expect(numbers(store.page({ ...query, before: 0 }).records)).toEqual([])
  })

  it('keeps within its bytes, one large decision included', () => {
    const store = createDecisionStore({ createTexts, maxEntries: 1_000, maxBytes: 100_000 })
    for (let number = 0; number < 500; number += 1) {
      store.keep(record(number, `/${'x'.repeat((number * 37) % 8_000)}`))
      expect(store.usage().bytes).toBeLessThanOrEqual(100_000)
    }
    expect(store.usage().entries).toBeGreaterThan(10)
    const tiny = createDecisionStore({ createTexts, maxEntries: 10, maxBytes: 10 })
    tiny.keep(record(1))
    tiny.keep(record(2))
    expect(tiny.usage().entries).toBe(1)
  })

  it.each<[string, (text: string) => Partial<DecisionRecord>]>([
    ['path', (path) => ({ path })],
    ['host', (host) => ({ host })],
    ['method', (method) => ({ method })],
    ['request_id', (request_id) => ({ request_id })],
    ['kid', (kid) => ({ token: { ...tokenOfRecord, kid } })],
    ['claimed role', (role) => ({ token: { ...tokenOfRecord, org_roles: [role] } })],
    ['role', (role) => ({ fact: { ...factOfRecord, rows: [[role]] } })],
    ['platform role', (role) => ({ fact: { ...factOfRecord, platform_roles: [role] } })],
    [
      'permissions of a dynamic role',
      (text) => ({ fact: { ...factOfRecord, dynamic: { lead: text.split(',') } } }),
    ],
    ['header', (text) => ({ tenant_headers: { 'x-tenant': text } })],
    ['extension', (permission) => ({ extensions: { permission } })],
  ])('keeps within its bytes whatever somebody writes into the %s', (_name, parts) => {
    const store = createDecisionStore({ createTexts, maxEntries: 1_000, maxBytes: 4_000_000 })
    const before = heapBytes()
    for (let number = 0; number < 400; number += 1) {
      // Made anew each time, as what comes from outside is; two bytes a character.
      const text = JSON.parse(`"${`ф${number},`.repeat(8_000)}"`) as string
      store.keep({ ...record(number), ...parts(text) })
    }
    expect(store.usage().entries).toBeGreaterThan(10)
    expect(heapBytes() - before).toBeLessThan(4_000_000 * 1.5)
  })

  it('ends a page before it holds too many bytes', () => {
    const store = createDecisionStore({ createTexts, maxEntries: 1_000, maxBytes: 1e9 })
    for (let number = 0; number < 40; number += 1) store.keep(record(number, 'x'.repeat(8_000)))
    const query = { before: null, limit: 500, lookAt: 500, matches: everything, maxBytes: 100_000 }
    const page = store.page(query)
    expect(numbers(page.records)).toEqual([39, 38, 37, 36, 35, 34])
    expect(numbers(store.page({ ...query, before: page.next }).records)[0]).toBe(33)
  })

  it('holds no more memory after a million decisions, each with a query of 2 kB', () => {
    const store = createDecisionStore({
      createTexts,
      maxEntries: 10_000,
      maxBytes: 128 * 1024 * 1024,
    })
    const base = record(0)
    const keep = (count: number) => {
      for (let number = 0; number < count; number += 1) {
        // As the check cuts it: a part of the target, which keeps all of it alive.
        const target = `/o/organization-${number}/leave?${'q'.repeat(2_000)}${number}`
        const path = target.slice(0, target.indexOf('?'))
        store.keep({ ...base, path, tenant: path.slice(3, -6) })
      }
    }
    const before = heapBytes()
    keep(20_000)
    const filled = heapBytes()
    keep(1_000_000)
    const after = heapBytes()
    expect(filled - before).toBeLessThan(store.usage().bytes * 1.2)
    expect(after - filled).toBeLessThan(2_000_000)
    expect(store.usage().entries).toBe(10_000)
  }, 60_000)
})

describe('a log whose decisions are kept', () => {
  const logThat = (takes: boolean) => ({
    decision: (one: DecisionRecord) => takes && one.worker === 0,
    policy: () => undefined,
    close: () => Promise.resolve(),
    usage: () => 'of the log',
  })

  it.each([
    ['takes it', true, false, 1],
    ['takes it and must', true, true, 1],
    ['does not take it', false, false, 1],
    // Then it is denied, and its record tells what was never sent.
    ['must take it and does not', false, true, 0],
  ])('keeps a decision where the log %s', (_name, takes, required, entries) => {
    const store = createDecisionStore({ createTexts, maxEntries: 10, maxBytes: 1e6 })
    const log = keepDecisions(logThat(takes), store, required)
    expect(log.decision(record(1))).toBe(takes)
    expect(store.usage().entries).toBe(entries)
    expect(log.usage()).toBe('of the log')
  })
})
