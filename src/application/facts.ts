import type { Fact, Pair } from '../domain/fact.ts'
import { rememberedFor, type AgeBounds } from '../domain/freshness.ts'
import type { Freshness } from '../domain/policy.ts'
import type { CreateBoundedMap } from '../ports/bounded-map.ts'
import type { ChangeFeedListener } from '../ports/change-feed.ts'
import type { Clock } from '../ports/clock.ts'
import type { FactCache } from '../ports/fact-cache.ts'
import type { FactSource } from '../ports/fact-source.ts'
import { createAnsweredPairs } from './answered-pairs.ts'
import { createChangeLog } from './change-log.ts'
import { createClockSkew } from './clock-skew.ts'
import { createFactMemory, type FactMemory } from './fact-memory.ts'
import { createKnowledge, type Knowledge } from './knowledge.ts'
import { createMemberRoleChangeConsumer } from './member-role-change-consumer.ts'
import { createFactResolver, type FactResolver } from './resolve-fact.ts'
import { createVerification, type VerificationDeps } from './verify-facts.ts'
import { createUserStates } from './user-states.ts'
import { createWatch } from './watch.ts'

/** What checks ask of facts. */
export interface Facts
  extends
    Pick<Knowledge, 'known' | 'claimMayGrant' | 'isUnchangedSince' | 'newerThan'>,
    FactResolver {
  /**
   * A claim of the pair grants: it is verified at once, and opens no second time. Returns false
   * where too much waits for that: then it does not grant.
   */
  readonly claimGranted: (pair: Pair, claimed: Fact) => boolean
}

/** What the HTTP API asks of facts, whose requests end by an `AbortSignal`. */
export interface FactsForHttp extends Partial<Pick<Facts, 'known'>> {
  readonly ask: (pair: Pair, freshness: Freshness, signal: AbortSignal) => Promise<Fact>
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
  /** `storedAtMs`: when the feed's server took the event, where that is known. */
  readonly event: (
    subject: string,
    outcome: 'applied' | 'malformed',
    storedAtMs: number | undefined,
  ) => void
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
  readonly ahead: FactMemory['ahead']
  readonly listener: ChangeFeedListener
  readonly state: () => FactsState
  readonly close: () => void
} {
  const { batches, bounds, cache, clock, limits, observer } = deps
  let order = 0
  const nextOrder = (): number => (order += 1)
  const skew = createClockSkew()
  const watch = createWatch({ clock, nextOrder, onJump: skew.forget })
  const keepMs = rememberedFor(bounds)
  const memory = createFactMemory({
    createMap: deps.createMap,
    maxEntries: limits.maxFacts,
    maxBytes: limits.maxFactBytes,
  })
  const knowledge = createKnowledge({
    clock,
    nextOrder,
    bounds,
    memory,
    skew,
    watch,
    cache,
    changes: createChangeLog({
      maxEntries: limits.maxChanges,
      keepMs,
      onForgotten: watch.forgot,
    }),
    answered: createAnsweredPairs(limits.maxAnswered, keepMs),
    users: createUserStates({ createMap: deps.createMap, maxEntries: limits.maxFacts }),
    hasPlatformRole: deps.hasPlatformRole,
    verify: (pair, own) => (own ? renewals : firsts).enqueue(pair),
    schedule: deps.schedule,
    onUnannounced: observer.unannounced,
  })
  const verificationDeps: VerificationDeps = {
    clock,
    source: batches,
    knowledge,
    schedule: deps.schedule,
    signal: deps.signal,
    random: deps.random,
    onBatch: observer.batch,
    onFault: observer.verificationFailed,
  }
  // What nobody here has verified yet never waits behind what only has to be renewed.
  const firsts = createVerification(verificationDeps)
  const renewals = createVerification(verificationDeps)
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
    facts: { ...knowledge, ...resolver, claimGranted: firsts.enqueue },
    ahead: memory.ahead,
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
      waiting: firsts.waiting() + renewals.waiting(),
      skewMs: skew.ms(),
      ...memory.usage(),
    }),
    close() {
      firsts.close()
      renewals.close()
    },
  }
}
