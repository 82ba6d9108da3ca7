import { describe, expect, it } from 'vitest'
import { createFacts } from '../../../src/application/facts.ts'
import type { Fact, Pair } from '../../../src/domain/fact.ts'
import { planOf } from './plan.ts'
import type { MakeFacts } from './process.ts'
import { scenarios } from './scenario.ts'
import { play } from './world.ts'

type Deps = Parameters<MakeFacts>[0]
type System = ReturnType<MakeFacts>

/** The real facts with one dependency replaced. */
const over =
  (change: (deps: Deps) => Partial<Deps>): MakeFacts =>
  (deps) =>
    createFacts({ ...deps, ...change(deps) })

/** The real facts with one thing that checks ask of them, or that the feed tells them, replaced. */
const behind =
  (
    change: (
      system: System,
      deps: Deps,
    ) => { readonly [K in 'facts' | 'listener']?: Partial<System[K]> },
  ): MakeFacts =>
  (deps) => {
    const system = createFacts(deps)
    const { facts, listener } = change(system, deps)
    return {
      ...system,
      facts: { ...system.facts, ...facts },
      listener: { ...system.listener, ...listener },
    }
  }

/** Schedules that a broken variant may pass. */
const maxSeeds = 60

const broken: readonly {
  readonly name: string
  readonly scenario: string
  readonly makeFacts: MakeFacts
  readonly what: RegExp
}[] = [
  {
    name: 'never hears of a change',
    scenario: 'no fault',
    makeFacts: behind(() => ({ listener: { message: () => undefined } })),
    what: /^I1: /,
  },
  {
    name: 'handles an event in a later turn',
    scenario: 'no fault',
    makeFacts: behind(({ listener }, { schedule }) => ({
      listener: { message: (...args) => void schedule(() => listener.message(...args), 50) },
    })),
    what: /^I1: /,
  },
  {
    name: 'believes that its watch never breaks',
    scenario: 'connections break',
    makeFacts: behind(({ facts, listener }, { clock }) => ({
      listener: { broke: () => undefined },
      facts: {
        known(pair, freshness) {
          listener.proved(clock())
          return facts.known(pair, freshness)
        },
      },
    })),
    what: /the watch holds over a lost connection|a published change came late/,
  },
  {
    name: 'goes on with the watch that it had where that begins anew',
    scenario: 'connections break',
    makeFacts: behind(({ listener }) => {
      let begun = false
      return {
        listener: {
          began(sinceWallMs) {
            if (begun) listener.resumed()
            else listener.began(sinceWallMs)
            begun = true
          },
        },
      }
    }),
    what: /a published change came late/,
  },
  {
    name: 'takes what Redis holds for as new as if it was just read',
    scenario: 'Redis loses commands and fails over',
    makeFacts: over(({ cache, clock }) => ({
      cache: {
        ...cache,
        async get(pair, signal) {
          const fact = await cache.get(pair, signal)
          return fact && { ...fact, verifiedAtMs: clock().wallMs }
        },
      },
    })),
    what: /^I1: |what others had read earlier|a published change came late/,
  },
  {
    name: 'never verifies what it uses',
    scenario: 'publishers die',
    makeFacts: over(() => ({ batches: { readMany: () => new Promise(() => undefined) } })),
    what: /not verified within/,
  },
  {
    name: 'lets a claim open although the pair has changed, or was read',
    scenario: 'no fault',
    makeFacts: behind(() => ({ facts: { claimMayGrant: () => true } })),
    what: /^I1: |a claim opened/,
  },
  {
    name: 'does not verify what a claim has opened',
    scenario: 'no fault',
    makeFacts: behind(() => ({ facts: { claimGranted: () => true } })),
    what: /a claims fact in use was not verified/,
  },
  {
    name: 'answers `database` from a read that is under way',
    scenario: 'no fault',
    makeFacts: behind(({ facts }) => ({
      facts: { ask: (pair, _freshness, signal) => facts.ask(pair, 'verified', signal) },
    })),
    what: /`database` on a fact older than the request/,
  },
  {
    name: 'answers `verified` by what is good enough for `cache`',
    scenario: 'publishers die',
    makeFacts: behind(({ facts }) => ({
      facts: {
        known: (pair, freshness) =>
          facts.known(pair, freshness === 'verified' ? 'cache' : freshness),
      },
    })),
    what: /decided on `verified`|`verified` on a fact older/,
  },
  {
    name: 'refuses by what nobody here has verified',
    scenario: 'the database is down',
    makeFacts: behind(({ facts }) => ({
      facts: {
        known(pair, freshness) {
          const known = facts.known(pair, freshness)
          return known && { ...known, verified: true }
        },
      },
    })),
    what: /^refused on/,
  },
  {
    name: 'reads PostgreSQL through a cache of its own',
    scenario: 'no fault',
    makeFacts: over(({ clock, source }) => ({ source: { read: cachedFor(3_000, source, clock) } })),
    what: /^I1: |`database` on a fact older than the request/,
  },
  {
    name: 'goes by the monotonic clock alone, which stands still in sleep',
    scenario: 'processes stand still',
    makeFacts: over(({ clock }) => {
      const { monotonicMs, wallMs } = clock()
      const wall = (now: number): number => wallMs + now - monotonicMs
      return {
        clock() {
          const now = clock().monotonicMs
          return { monotonicMs: now, wallMs: wall(now) }
        },
      }
    }),
    what: /older than VERIFY_AFTER|a published change came late/,
  },
  {
    name: 'keeps "not a member" as long as anything else',
    scenario: 'no fault',
    makeFacts: over(() => ({ hasPlatformRole: () => true })),
    what: /"not a member" was kept/,
  },
  {
    name: 'bridges an outage by claims that changes have overtaken',
    scenario: 'the database is down',
    makeFacts: behind(() => ({ facts: { isUnchangedSince: () => true } })),
    what: /^I1: /,
  },
]

function cachedFor(
  keptMs: number,
  source: Deps['source'],
  clock: Deps['clock'],
): Deps['source']['read'] {
  const kept = new Map<string, { readonly untilMs: number; readonly fact: Promise<Fact> }>()
  return (pair: Pair, signal) => {
    const key = JSON.stringify(pair)
    const { monotonicMs } = clock()
    const found = kept.get(key)
    if (found !== undefined && found.untilMs > monotonicMs) return found.fact
    const fact = source.read(pair, signal)
    kept.set(key, { untilMs: monotonicMs + keptMs, fact })
    return fact
  }
}

describe('the oracle finds out a process that', () => {
  it.each(broken)('$name', { timeout: 60_000 }, async ({ makeFacts, scenario: name, what }) => {
    const scenario = scenarios.find((one) => one.name === name)
    if (scenario === undefined) throw new Error(`no scenario ${name}`)
    for (let seed = 1; seed <= maxSeeds; seed += 1) {
      const violation = await play({ scenario, seed, plan: planOf(scenario, seed, 90), makeFacts })
      if (violation === undefined) continue
      expect(violation.what).toMatch(what)
      return
    }
    expect.fail(`${maxSeeds} schedules were passed`)
  })
})
