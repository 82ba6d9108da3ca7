import { beforeEach, describe, expect, it } from 'vitest'
import { createFactResolver, type FactResolver } from '../../src/application/resolve-fact.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { Fact, Pair } from '../../src/domain/fact.ts'
import type { Freshness } from '../../src/domain/policy.ts'
import { factOf } from '../support/builders.ts'
import { createKnowledgeBench, type KnowledgeBench } from '../support/knowledge-bench.ts'

type Pending<T> = PromiseWithResolvers<T> & {
  readonly pair: Pair
  readonly signal: AbortSignal | undefined
}

const pair = { user: 'u1', organization: 'org-a' }
const down = new AppError('DATABASE_UNAVAILABLE', 'the database is down')
const patient = new AbortController().signal
const never = new AbortController().signal

let bench: KnowledgeBench
let resolver: FactResolver
let reads: Pending<Fact>[]
let gets: Pending<Fact | undefined>[]
let isAvailable: boolean

function pending<T>(all: Pending<T>[]): (pair: Pair, signal?: AbortSignal) => Promise<T> {
  return (pair, signal) => {
    const one = { ...Promise.withResolvers<T>(), pair, signal }
    all.push(one)
    return one.promise
  }
}

beforeEach(() => {
  bench = createKnowledgeBench()
  reads = []
  gets = []
  isAvailable = true
  resolver = createFactResolver({
    knowledge: bench.knowledge,
    cache: { available: () => isAvailable, get: pending(gets) },
    source: { read: pending(reads) },
    never,
  })
})

const fresh = (roles = ['staff']) => factOf(roles, { verifiedAtMs: bench.time.clock().wallMs })
const ask = (freshness: Freshness = 'verified', signal = patient) =>
  resolver.ask(pair, freshness, signal)
const recall = (signal = patient) => resolver.recall(pair, signal)
/** All promises that can go on have gone on. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

describe('asking PostgreSQL', () => {
  it('tells the fact as it was read, and remembers it', async () => {
    const asked = ask()
    const fact = fresh()
    reads[0]?.resolve(fact)
    expect(await asked).toBe(fact)
    expect(reads[0]).toMatchObject({ pair, signal: never })
    expect(bench.knowledge.known(pair, 'verified')).toBeDefined()
  })

  it('shares one statement among 500 callers', async () => {
    const asked = Array.from({ length: 500 }, () => ask())
    expect(reads).toHaveLength(1)
    const fact = fresh()
    reads[0]?.resolve(fact)
    expect(new Set(await Promise.all(asked))).toEqual(new Set([fact]))
  })

  it('shares none with another pair, nor with one that came after the answer', async () => {
    void ask()
    void resolver.ask({ ...pair, organization: null }, 'verified', patient)
    void resolver.ask({ ...pair, organization: 'org-b' }, 'verified', patient)
    expect(reads).toHaveLength(3)
    reads[0]?.resolve(fresh())
    await settled()
    void ask()
    expect(reads).toHaveLength(4)
  })

  it('shares none with a request that came after a change, which the first answer survives', async () => {
    const before = ask()
    bench.change({ ...pair, user: null })
    const after = ask()
    const alsoAfter = ask()
    expect(reads).toHaveLength(2)
    const [old, current] = [fresh(), fresh(['viewer'])]
    reads[0]?.resolve(old)
    expect(await before).toBe(old)
    expect(bench.knowledge.holds(pair)).toBe(false)
    // That the first was answered leaves the second where others find it.
    const later = ask()
    expect(reads).toHaveLength(2)
    reads[1]?.resolve(current)
    expect(await Promise.all([after, alsoAfter, later])).toEqual([current, current, current])
    expect(bench.knowledge.holds(pair)).toBe(true)
  })

  it('goes on to share after a change of others', () => {
    void ask()
    bench.change({ user: 'u2', organization: 'org-a' })
    void ask()
    expect(reads).toHaveLength(1)
  })

  it('has a statement of its own for each request on `database`, which others may share', async () => {
    void ask('verified')
    void ask('database')
    void ask('database')
    expect(reads).toHaveLength(3)
    const shared = ask('cache')
    expect(reads).toHaveLength(3)
    const fact = fresh()
    reads[2]?.resolve(fact)
    expect(await shared).toBe(fact)
  })

  it.each([
    ['as old as VERIFY_AFTER', 10_000, 1],
    ['older than VERIFY_AFTER', 10_001, 2],
  ])('joins a statement that is %s, or does not', (_title, ms, statements) => {
    void ask()
    bench.time.pass(ms)
    void ask()
    expect(reads).toHaveLength(statements)
  })

  it.each([
    ['within VERIFY_AFTER', (): void => bench.time.pass(10_000), true],
    ['later than VERIFY_AFTER', () => bench.time.pass(10_001), false],
    ['to a process that slept for longer', () => bench.time.sleep(10_001), false],
  ])('takes an answer that came %s, or does not', async (_title, act, taken) => {
    const asked = ask()
    act()
    const fact = fresh()
    reads[0]?.resolve(fact)
    if (taken) expect(await asked).toBe(fact)
    else await expect(asked).rejects.toMatchObject({ code: 'FACTS_UNAVAILABLE' })
  })

  it('rejects for all who share as the source does, and leaves nothing behind', async () => {
    const asked = [ask(), ask()]
    reads[0]?.reject(down)
    for (const one of asked) await expect(one).rejects.toBe(down)
    expect(bench.knowledge.holds(pair)).toBe(false)
    const again = ask()
    expect(reads).toHaveLength(2)
    const fact = fresh()
    reads[1]?.resolve(fact)
    expect(await again).toBe(fact)
  })

  it('rejects where a bug throws before there is a promise', async () => {
    const bug = new Error('a bug')
    const broken = createFactResolver({
      knowledge: bench.knowledge,
      cache: { available: () => true, get: pending(gets) },
      source: {
        read: () => {
          throw bug
        },
      },
      never,
    })
    await expect(broken.ask(pair, 'cache', patient)).rejects.toBe(bug)
    await expect(broken.ask(pair, 'cache', patient)).rejects.toBe(bug)
  })

  it('gives up on a request whose time is over, and on no other', async () => {
    const hurry = new AbortController()
    const hasty = ask('verified', hurry.signal)
    const other = ask()
    hurry.abort()
    await expect(hasty).rejects.toMatchObject({ code: 'FACTS_UNAVAILABLE' })
    expect(reads[0]?.signal?.aborted).toBe(false)
    const fact = fresh()
    reads[0]?.resolve(fact)
    expect(await other).toBe(fact)
  })

  it('gives up at once on a request whose time was over before', async () => {
    await expect(ask('verified', AbortSignal.abort())).rejects.toMatchObject({
      code: 'FACTS_UNAVAILABLE',
    })
  })

  it('remembers an answer that all have given up on', async () => {
    const hurry = new AbortController()
    const hasty = ask('verified', hurry.signal)
    hurry.abort()
    await expect(hasty).rejects.toThrow()
    reads[0]?.resolve(fresh())
    await settled()
    expect(bench.knowledge.holds(pair)).toBe(true)
  })

  it('leaves no rejection unhandled that came after all had given up', async () => {
    const unhandled: unknown[] = []
    const note = (cause: unknown): void => void unhandled.push(cause)
    process.on('unhandledRejection', note)
    const hurry = new AbortController()
    const hasty = ask('verified', hurry.signal)
    hurry.abort()
    await expect(hasty).rejects.toThrow()
    reads[0]?.reject(down)
    await settled()
    await settled()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })
})

describe('asking the shared cache', () => {
  it('gives an entry that may be adopted, and remembers it', async () => {
    const asked = recall()
    const entry = { ...fresh(), source: 'redis' as const }
    gets[0]?.resolve(entry)
    expect(await asked).toBe(entry)
    expect(gets[0]).toMatchObject({ pair, signal: never })
    expect(bench.knowledge.known(pair, 'cache')).toMatchObject({ verified: false })
  })

  it('gives none where there is none', async () => {
    const asked = recall()
    gets[0]?.resolve(undefined)
    expect(await asked).toBeUndefined()
  })

  it('gives none that may not be adopted, by what is known when it comes', async () => {
    const asked = recall()
    bench.change(pair)
    gets[0]?.resolve(fresh())
    expect(await asked).toBeUndefined()
    expect(bench.knowledge.holds(pair)).toBe(false)
  })

  it('shares one look-up among many, while it is under way', async () => {
    const asked = Array.from({ length: 500 }, () => recall())
    expect(gets).toHaveLength(1)
    void resolver.recall({ ...pair, organization: 'org-b' }, patient)
    expect(gets).toHaveLength(2)
    const entry = fresh()
    gets[0]?.resolve(entry)
    expect(new Set(await Promise.all(asked))).toEqual(new Set([entry]))
    void recall()
    expect(gets).toHaveLength(3)
  })

  it.each<[string, () => void]>([
    ['the cache is out of reach', () => void (isAvailable = false)],
    ['no watch holds', () => bench.setCoverage(null)],
    ['the pair has just changed', () => bench.change(pair)],
    ['clocks are apart', () => bench.showSkew(2_001)],
  ])('is not done where %s', async (_title, act) => {
    act()
    expect(await recall()).toBeUndefined()
    expect(gets).toEqual([])
  })

  it('is not done for a user without an organization, who is not kept there', async () => {
    expect(await resolver.recall({ user: 'u1', organization: null }, patient)).toBeUndefined()
    expect(gets).toEqual([])
  })

  it('is given up by a request whose time is over, and by no other', async () => {
    const hurry = new AbortController()
    const hasty = recall(hurry.signal)
    const other = recall()
    hurry.abort()
    expect(await hasty).toBeUndefined()
    const entry = fresh()
    gets[0]?.resolve(entry)
    expect(await other).toBe(entry)
  })
})
