import { beforeEach, describe, expect, it } from 'vitest'
import { createBoundedMap } from '../../src/adapters/lru/bounded-map.ts'
import { createFacts, type FactLimits } from '../../src/application/facts.ts'
import { AppError } from '../../src/domain/errors.ts'
import { pairKey, type Fact, type Pair } from '../../src/domain/fact.ts'
import { factOf, nowMs } from '../support/builders.ts'
import { createSetClock, type SetClock } from '../support/set-clock.ts'

const pair = { user: 'u1', organization: 'org-a' }
const other = { user: 'u2', organization: 'org-b' }
const never = new AbortController().signal
const ample = { maxFacts: 100, maxFactBytes: 1_000_000, maxChanges: 100, maxAnswered: 100 }
/** All promises that can go on have gone on. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
const nameOf = (pair: Pair): string => pairKey(pair).replace('\u0000', ' ')

let time: SetClock
let told: string[]
let timers: { readonly task: () => void; cancelled: boolean }[]
let batches: PromiseWithResolvers<readonly Fact[]>[]
let cached: Fact | undefined
let serverAheadMs: number
let system: ReturnType<typeof createFacts>

const fresh = (parts: Partial<Fact> = {}): Fact =>
  factOf(['staff'], { verifiedAtMs: time.clock().wallMs + serverAheadMs, ...parts })

function start(limits: Partial<FactLimits> = {}): ReturnType<typeof createFacts> {
  return createFacts({
    clock: time.clock,
    bounds: { verifyAfterMs: 10_000, cacheTtlMs: 60_000 },
    source: {
      read: async (pair) => {
        told.push(`read ${nameOf(pair)}`)
        return fresh()
      },
    },
    batches: {
      readMany(pairs) {
        told.push(`read many ${pairs.map(nameOf).join()}`)
        const batch = Promise.withResolvers<readonly Fact[]>()
        batches.push(batch)
        return batch.promise
      },
    },
    cache: {
      available: () => true,
      get: async () => cached,
      put: (pair) => told.push(`put ${nameOf(pair)}`),
      drop: (pairs) => told.push(`drop ${pairs.map(nameOf).join()}`),
    },
    createMap: createBoundedMap,
    limits: { ...ample, ...limits },
    hasPlatformRole: ({ platformRoles }) => platformRoles.includes('support'),
    schedule(task) {
      const timer = { task, cancelled: false }
      timers.push(timer)
      return { cancel: () => void (timer.cancelled = true) }
    },
    random: () => 0,
    signal: never,
    observer: {
      event: (subject, outcome, storedAtMs) =>
        told.push(`event ${subject} ${outcome} ${storedAtMs ?? 'unknown'}`),
      malformed: (subject, why) => told.push(`${subject}: ${why}`),
      unannounced: () => told.push('unannounced'),
      batch: (pairs, lagMs) => told.push(`batch ${pairs} ${lagMs}`),
      verificationFailed: (cause) =>
        told.push(`failed ${cause instanceof Error ? cause.message : '?'}`),
      watchBroke: (why) => told.push(`broke ${why}`),
    },
  })
}

beforeEach(() => {
  time = createSetClock()
  told = []
  timers = []
  batches = []
  cached = undefined
  serverAheadMs = 0
  system = start()
})

const ask = (of: Pair = pair): Promise<Fact> => system.facts.ask(of, 'verified', never)
const isKnown = (freshness: 'cache' | 'verified' = 'cache'): boolean =>
  system.facts.known(pair, freshness) !== undefined
const prove = (): void => system.listener.proved(time.clock())
const message = (body: unknown, storedAtMs?: number): void =>
  system.listener.message(
    'member.removed',
    new TextEncoder().encode(JSON.stringify(body)),
    storedAtMs,
  )
/** The watch began long enough ago that the margin has passed. */
function hold(): void {
  system.listener.began(time.clock().wallMs)
  time.pass(6_000)
  prove()
}
async function runTimers(): Promise<void> {
  for (const timer of timers.splice(0)) if (!timer.cancelled) timer.task()
  await settled()
}

describe('the watch', () => {
  it('holds from its proof to its break, which is told', () => {
    const holds = (): boolean => system.state().watchHolds
    expect(holds()).toBe(false)
    system.listener.began(nowMs)
    expect(holds()).toBe(false)
    prove()
    expect(holds()).toBe(true)
    system.listener.broke('a reason')
    expect(holds()).toBe(false)
    expect(told).toEqual(['broke a reason'])
    system.listener.resumed()
    prove()
    expect(holds()).toBe(true)
  })

  it('covers what was read after it began, while it holds', async () => {
    hold()
    await ask()
    time.pass(10_001)
    expect(isKnown()).toBe(false)
    prove()
    expect([isKnown('cache'), isKnown('verified')]).toEqual([true, false])
    system.listener.began(time.clock().wallMs)
    prove()
    expect(isKnown()).toBe(false)
  })

  it('covers nothing that was read before a change that had to be forgotten', async () => {
    system = start({ maxChanges: 1 })
    hold()
    await ask()
    time.pass(10_001)
    prove()
    message({ userId: 'a', organizationId: 'x' })
    expect(isKnown()).toBe(true)
    message({ userId: 'b', organizationId: 'x' })
    expect(isKnown()).toBe(false)
  })

  it('that notices a jump of the clock takes nothing from others until a read is answered', async () => {
    hold()
    const mayGrant = (): boolean => system.facts.claimMayGrant(pair, time.clock().wallMs)
    expect(mayGrant()).toBe(true)
    time.jump(60_000)
    time.pass(6_000)
    prove()
    time.pass(6_000)
    prove()
    expect(mayGrant()).toBe(false)
    await ask(other)
    expect(mayGrant()).toBe(true)
  })
})

describe('an event', () => {
  it('makes what is known of whom it names unknown, here and in the shared cache', async () => {
    await ask()
    await ask(other)
    told = []
    message({ userId: 'u1', organizationId: 'org-a' }, 77)
    expect(told).toEqual(['drop u1 org-a', 'event member.removed applied 77'])
    expect(isKnown('verified')).toBe(false)
    expect(system.facts.known(other, 'verified')).toBeDefined()
  })

  it('that is malformed changes nothing, and is told', async () => {
    await ask()
    told = []
    message([])
    expect(told).toEqual([
      'event member.removed malformed unknown',
      'member.removed: it is no JSON object',
    ])
    expect(isKnown('verified')).toBe(true)
  })
})

describe('a look-up', () => {
  it('of PostgreSQL is remembered, and written to the shared cache', async () => {
    await ask()
    expect(told).toEqual(['read u1 org-a', 'put u1 org-a'])
    expect(system.state()).toMatchObject({ entries: 1, waiting: 0, skewMs: 0 })
    expect(system.state().bytes).toBeGreaterThan(900)
  })

  it('of the shared cache is verified by a batch', async () => {
    hold()
    cached = fresh({ source: 'redis' })
    expect(await system.facts.recall(pair, never)).toBe(cached)
    expect(system.state().waiting).toBe(1)
    await runTimers()
    expect(told).toEqual(['read many u1 org-a'])
    time.pass(30)
    batches[0]?.resolve([fresh({ banned: true })])
    await settled()
    expect(told.slice(1)).toEqual(['drop u1 org-a', 'unannounced', 'batch 1 30'])
    expect(system.facts.known(pair, 'verified')?.fact.banned).toBe(true)
  })

  it('shows how far the clocks are apart', async () => {
    serverAheadMs = 3_000
    await ask()
    expect(system.state().skewMs).toBe(3_000)
    hold()
    expect(system.facts.claimMayGrant(other, time.clock().wallMs)).toBe(false)
  })
})

describe('verification', () => {
  it('reads what a claim had opened, and compares', async () => {
    hold()
    const claimed = factOf(['staff'], { source: 'claims' })
    expect(system.facts.claimGranted(pair, claimed)).toBe(true)
    await runTimers()
    batches[0]?.resolve([fresh({ rows: [['viewer']] })])
    await settled()
    expect(told).toEqual(['read many u1 org-a', 'drop u1 org-a', 'unannounced', 'batch 1 0'])
  })

  it('of what nobody here has verified does not wait for what is only renewed', async () => {
    hold()
    await ask(other)
    time.pass(5_001)
    prove()
    system.facts.known(other, 'cache')
    await runTimers()
    expect(told.at(-1)).toBe('read many u2 org-b')
    system.facts.claimGranted(pair, factOf(['staff'], { source: 'claims' }))
    expect(system.state().waiting).toBe(2)
    await runTimers()
    expect(told.at(-1)).toBe('read many u1 org-a')
  })

  it('that fails is told', async () => {
    system.facts.claimGranted(pair, factOf(['staff'], { source: 'claims' }))
    await runTimers()
    batches[0]?.reject(new AppError('DATABASE_UNAVAILABLE', 'the database is down'))
    await settled()
    expect(told.at(-1)).toBe('failed the database is down')
    expect(system.state().waiting).toBe(1)
  })

  it('ends when all is closed', async () => {
    hold()
    await ask(other)
    time.pass(5_001)
    system.facts.known(other, 'cache')
    system.facts.claimGranted(pair, factOf(['staff'], { source: 'claims' }))
    told = []
    system.close()
    await runTimers()
    expect(told).toEqual([])
  })
})
