import type { Fact, Pair } from '../domain/fact.ts'
import type { AgeBounds } from '../domain/freshness.ts'
import type { CreateBoundedMap } from '../ports/bounded-map.ts'
import type { ChangeFeedListener } from '../ports/change-feed.ts'
import type { Clock } from '../ports/clock.ts'
import type { FactCache } from '../ports/fact-cache.ts'
import type { FactSource } from '../ports/fact-source.ts'
import { createAnsweredPairs } from './answered-pairs.ts'
import { createChangeLog } from './change-log.ts'
import { createClockSkew } from './clock-skew.ts'
import { createFactMemory } from './fact-memory.ts'
import { createKnowledge, type Knowledge } from './knowledge.ts'
import { createMemberRoleChangeConsumer } from './member-role-change-consumer.ts'
import { createFactResolver, type FactResolver } from './resolve-fact.ts'
import { createVerification, type VerificationDeps } from './verify-facts.ts'
import { createWatch } from './watch.ts'

/** What checks ask of facts. */
export interface Facts
  extends
    Pick<Knowledge, 'known' | 'claimMayGrant' | 'isUnchangedSince' | 'newerThan'>,
    FactResolver {
  /** A claim of the pair has granted: it is verified at once, and opens no second time. */
  readonly claimGranted: (pair: Pair, claimed: Fact) => void
}

/** The state of the facts, for metrics and readiness. */
export interface FactsState {
  readonly watchHolds: boolean
  readonly waiting: number
  readonly entries: number
  readonly bytes: number
  readonly skewMs: number
}

/** What the facts rest on. */
export interface FactsDeps {
  readonly clock: Clock
  readonly bounds: AgeBounds
  /** Reads for requests, and reads for verification, which must not stand in their way. */
  readonly source: Pick<FactSource, 'read'>
  readonly batches: Pick<FactSource, 'readMany'>
  readonly cache: FactCache
  readonly createMap: CreateBoundedMap
  readonly limits: FactLimits
  readonly hasPlatformRole: (fact: Fact) => boolean
  readonly schedule: VerificationDeps['schedule']
  readonly random: () => number
  /** Aborts when the service closes. */
  readonly signal: AbortSignal
  readonly observer: FactsObserver
}

/** How much is remembered. */
export interface FactLimits {
  readonly maxFacts: number
  readonly maxFactBytes: number
  readonly maxChanges: number
  readonly maxAnswered: number
}

/** Told of what happens to facts; it must neither wait nor throw. */
export interface FactsObserver {
  readonly event: (subject: string, outcome: 'applied' | 'malformed') => void
  readonly malformed: (subject: string, why: string) => void
  readonly unannounced: () => void
  readonly batch: (pairs: number, lagMs: number) => void
  readonly verificationFailed: (cause: unknown) => void
  /** Whether the watch has begun, was resumed, or broke; it holds once it is proved. */
  readonly watchBroke: (why: string) => void
}

/** Puts memory, watch, look-ups and verification together. */
export function createFacts(deps: FactsDeps): {
  readonly facts: Facts
  readonly listener: ChangeFeedListener
  readonly state: () => FactsState
  readonly close: () => void
} {
  const { batches, bounds, cache, clock, limits, observer } = deps
  let order = 0
  const nextOrder = (): number => (order += 1)
  const watch = createWatch({ clock, nextOrder })
  const memory = createFactMemory({
    createMap: deps.createMap,
    maxEntries: limits.maxFacts,
    maxBytes: limits.maxFactBytes,
  })
  const skew = createClockSkew()
  const knowledge = createKnowledge({
    clock,
    nextOrder,
    bounds,
    memory,
    skew,
    watch,
    cache,
    changes: createChangeLog({ maxEntries: limits.maxChanges, onForgotten: watch.forgot }),
    answered: createAnsweredPairs(limits.maxAnswered),
    hasPlatformRole: deps.hasPlatformRole,
    verify: (pair) => verification.enqueue(pair),
    onUnannounced: observer.unannounced,
  })
  const verification = createVerification({
    clock,
    source: batches,
    knowledge,
    schedule: deps.schedule,
    signal: deps.signal,
    random: deps.random,
    onBatch: observer.batch,
    onFault: observer.verificationFailed,
  })
  const resolver = createFactResolver({
    knowledge,
    cache,
    source: deps.source,
    never: deps.signal,
  })
  const consumer = createMemberRoleChangeConsumer({
    knowledge,
    onEvent: observer.event,
    onMalformed: observer.malformed,
  })
  return {
    facts: { ...knowledge, ...resolver, claimGranted: verification.enqueue },
    listener: {
      ...consumer,
      began: watch.began,
      resumed: watch.resumed,
      proved: watch.proved,
      broke(why) {
        watch.broke()
        observer.watchBroke(why)
      },
    },
    state: () => ({
      watchHolds: watch.coverage(clock()) !== null,
      waiting: verification.waiting(),
      skewMs: skew.ms(),
      ...memory.usage(),
    }),
    close: verification.close,
  }
}
