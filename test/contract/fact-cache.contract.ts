import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effectivePermissions } from '../../src/domain/effective-permissions.ts'
import type { Fact, Pair } from '../../src/domain/fact.ts'
import type { FactCache } from '../../src/ports/fact-cache.ts'
import { factOf, policyWith } from '../support/builders.ts'
import { forgeEntry } from '../support/forged-entry.ts'
import { until } from '../support/poll.ts'
import { uniqueName } from '../support/servers.ts'

/** A cache and what it keeps its entries in; all that one suite opens share their entries. */
export interface OpenFactCache {
  readonly cache: FactCache
  /** An entry's text and the time it has left, in ms. */
  readonly raw: (key: string) => Promise<{ readonly text: string; readonly leftMs: number } | null>
  readonly write: (key: string, text: string) => Promise<void>
  readonly faults: readonly unknown[]
  readonly close: () => Promise<void>
}

export interface FactCacheSettings {
  readonly secrets: readonly string[]
  readonly cacheTtlMs: number
}

/** The policy that the caches under test write entries by. */
export const cachedPolicy = policyWith(
  ['{ name: read, match: "GET /o/{organizationId}", permission: leave:read }'],
  ['dynamicRoles: true'],
)

const never = new AbortController().signal
const secret = 'one secret of thirty-two characters, at least'
const other = 'another secret of thirty-two characters or more'

/** What every FactCache must keep to. */
export function factCacheContract(
  open: (settings: FactCacheSettings) => Promise<OpenFactCache>,
): void {
  describe('as a cache of facts', () => {
    const opened: OpenFactCache[] = []
    const openWith = async (settings: Partial<FactCacheSettings> = {}): Promise<OpenFactCache> => {
      const bench = await open({ secrets: [secret], cacheTtlMs: 300_000, ...settings })
      opened.push(bench)
      return bench
    }
    let bench: OpenFactCache
    beforeAll(async () => {
      bench = await openWith()
    })
    afterAll(async () => {
      for (const { close } of opened) await close()
    })

    const newPair = () => ({ user: uniqueName('u'), organization: 'org-a' })
    const keyOf = ({ organization, user }: Pair) => `perm:${user}:${organization}`
    const get = (pair: Pair, { cache } = bench) => cache.get(pair, never)
    const fresh = (parts: Partial<Fact> = {}, roles = ['staff']) =>
      factOf(roles, { verifiedAtMs: Date.now() - 500.25, ...parts })
    const put = async (pair: Pair, fact: Fact, { cache, raw } = bench) => {
      const before = await raw(keyOf(pair))
      cache.put(pair, fact)
      return until(
        async () => {
          const after = await raw(keyOf(pair))
          return after !== null && after.text !== before?.text && after.text
        },
        { what: 'the entry is there' },
      )
    }

    it.each<[string, Partial<Fact>]>([
      ['a member', {}],
      ['a member by several rows', { rows: [['staff', 'viewer'], [], ['owner']] }],
      ['a banned member', { banned: true }],
      ['a stranger with a platform role', { rows: [], platformRoles: ['user', 'support'] }],
      [
        'a role named as no member of an object should be',
        { rows: [['__proto__', 'constructor']] },
      ],
      [
        'dynamic roles, whatever their names',
        {
          rows: [['__proto__', '7']],
          dynamic: new Map([
            ['constructor', ['x:y']],
            ['__proto__', ['leave:read', 'pay:read']],
            ['7', []],
          ]),
        },
      ],
      ['roles in any script', { rows: [['Büro', '役割', '"', '\\', '\u0000', '😀']] }],
    ])('gives back the fact of %s', async (_title, parts) => {
      const pair = newPair()
      const fact = fresh(parts)
      await put(pair, fact)
      expect(await get(pair)).toEqual({ ...fact, source: 'redis' })
    })

    it('lets other services read the permissions, and no longer than the fact may grant', async () => {
      const pair = newPair()
      const fact = fresh({ dynamic: new Map([['staff', ['pay:read']]]) })
      await put(pair, fact)
      const { leftMs = 0, text = '' } = (await bench.raw(keyOf(pair))) ?? {}
      const entry = JSON.parse(text) as readonly string[]
      expect(entry.slice(0, -1)).toEqual(effectivePermissions(cachedPolicy, fact))
      expect(entry.slice(0, -1)).toEqual(['leave:approve', 'leave:read', 'pay:read'])
      expect(entry.at(-1)).toMatch(/^~tg1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/)
      expect(leftMs).toBeLessThanOrEqual(299_500)
      expect(leftMs).toBeGreaterThan(290_000)
    })

    it('forgets a fact at its time plus the lifetime', async () => {
      const short = await openWith({ cacheTtlMs: 1_000 })
      const pair = newPair()
      await put(pair, fresh(), short)
      await until(async () => (await short.raw(keyOf(pair))) === null, { what: 'it is gone' })
      expect(await get(pair, short)).toBeUndefined()
    })

    it('replaces an entry, and gives nothing once it is dropped', async () => {
      const pair = newPair()
      await put(pair, fresh())
      await put(pair, fresh({}, ['viewer']))
      expect(await get(pair)).toMatchObject({ rows: [['viewer']] })
      bench.cache.drop([newPair(), pair])
      expect(await get(pair)).toBeUndefined()
      await put(pair, fresh())
      expect(await get(pair)).toMatchObject({ rows: [['staff']] })
    })

    it('carries out puts and drops in the order of the calls', async () => {
      for (let round = 0; round < 50; round += 1) {
        const [kept, gone] = [newPair(), newPair()]
        bench.cache.put(gone, fresh())
        bench.cache.drop([gone, kept])
        bench.cache.put(kept, fresh())
        expect(await get(kept)).toBeDefined()
        expect(await get(gone)).toBeUndefined()
      }
    })

    it.each<[string, Fact]>([
      ['an unknown user', fresh({ user: false, rows: [], platformRoles: ['superadmin'] })],
      ['a stranger', fresh({ rows: [] })],
      ['a stranger with a platform role of no policy', fresh({ rows: [], platformRoles: ['x'] })],
      ['a claim', fresh({ source: 'claims' })],
      ['a fact that has expired', fresh({ verifiedAtMs: Date.now() - 300_000 })],
      ['a fact of no time', fresh({ verifiedAtMs: Number.NaN })],
      ['a fact of all times', fresh({ verifiedAtMs: Infinity })],
    ])('keeps nothing of %s, nor does it touch what is there', async (_title, fact) => {
      const [pair, other] = [newPair(), newPair()]
      const text = await put(other, fresh())
      bench.cache.put(pair, fact)
      bench.cache.put(other, fact)
      await put(newPair(), fresh())
      expect(await bench.raw(keyOf(pair))).toBeNull()
      expect(await bench.raw(keyOf(other))).toMatchObject({ text })
    })

    it.each<[string, Pair]>([
      ['no organization', { user: 'u1', organization: null }],
      ['an id with a colon', { user: 'u1:org-a', organization: 'x' }],
      ['an id with a brace', { user: 'u1', organization: '{org}' }],
      ['an id in another script', { user: 'ü', organization: 'org-a' }],
      ['an empty id', { user: '', organization: 'org-a' }],
      ['an id with a line break', { user: 'u1\n', organization: 'org-a' }],
      ['an id that is too long', { user: 'u'.repeat(256), organization: 'org-a' }],
    ])('keeps nothing under %s', async (_title, pair) => {
      bench.cache.put(pair, fresh())
      await put(newPair(), fresh())
      expect(await bench.raw(keyOf(pair))).toBeNull()
      await bench.write(keyOf(pair), forgeEntry(secret, { ...pair, organization: 'org-a' }))
      expect(await get(pair)).toBeUndefined()
      bench.cache.drop([pair])
      await put(newPair(), fresh())
      expect(await bench.raw(keyOf(pair))).not.toBeNull()
    })

    it.each([
      ['an array of another service', '["*","leave:approve"]'],
      ['an empty array', '[]'],
      ['an empty text', ''],
      ['no JSON', 'leave:approve'],
      ['an object', '{"0":"leave:approve"}'],
      ['a number', '1'],
      ['null', 'null'],
      ['a deep one', '['.repeat(30_000)],
      ['a large one', `["${'x'.repeat(1_000_000)}"]`],
    ])('misses an entry that is not its own, and overwrites it: %s', async (_title, text) => {
      const pair = newPair()
      await bench.write(keyOf(pair), text)
      expect(await get(pair)).toBeUndefined()
      await put(pair, fresh())
      expect(await get(pair)).toBeDefined()
    })

    it('opens an entry under the key it was written to, and under no other', async () => {
      const pair = newPair()
      const text = await put(pair, fresh())
      const others = [newPair(), { user: pair.user, organization: 'org-b' }]
      for (const copy of others) {
        await bench.write(keyOf(copy), text)
        expect(await get(copy)).toBeUndefined()
      }
      bench.cache.drop([pair])
      expect(await get(pair)).toBeUndefined()
      await bench.write(keyOf(pair), text) // opens: whether it is too old is told by its time
      expect(await get(pair)).toBeDefined()
    })

    it('opens what any of its secrets sealed, and seals with the first', async () => {
      const rotating = await openWith({ secrets: [other, secret] })
      const rotated = await openWith({ secrets: [other] })
      const [before, after] = [newPair(), newPair()]
      await put(before, fresh())
      await put(after, fresh(), rotating)
      expect(await get(before, rotating)).toBeDefined()
      expect(await get(before, rotated)).toBeUndefined()
      expect(await get(after, rotated)).toBeDefined()
      expect(await get(after)).toBeUndefined()
    })

    it('gives nothing to whom time has run out', async () => {
      const pair = newPair()
      await put(pair, fresh())
      expect(await bench.cache.get(pair, AbortSignal.abort())).toBeUndefined()
      const controller = new AbortController()
      const getting = bench.cache.get(pair, controller.signal)
      controller.abort(new Error('too late'))
      await getting // given or not, it does not reject
    })

    it('is available, and none of this was a fault', () => {
      expect(bench.cache.available()).toBe(true)
      expect(opened.flatMap(({ faults }) => faults)).toEqual([])
    })
  })
}
