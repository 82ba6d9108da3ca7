import { setImmediate as nextTurn } from 'node:timers/promises'
import { createBoundedMap } from './adapters/lru/bounded-map.ts'
import { createPostgresFactSource } from './adapters/postgres/fact-source.ts'
import { openDatabase } from './adapters/postgres/pool.ts'
import type { FactReader } from './adapters/prometheus/fact-metrics.ts'
import type { FactMemory } from './application/fact-memory.ts'
import { createFacts, type Facts } from './application/facts.ts'
import { observeCache, observeSource } from './application/observe-reads.ts'
import { verificationConnections } from './connection-shares.ts'
import { composeCache } from './compose-cache.ts'
import { composeWatch } from './compose-watch.ts'
import { bytesOfFact } from './config-memory.ts'
import type { FactsComposition } from './facts-composition.ts'
import type { Fact } from './domain/fact.ts'
import type { Clock } from './ports/clock.ts'

/** Share of the deadline after which a source of facts counts as down. */
const sourceShare = 0.8
const verificationTimeoutMs = 2_000
/** First verifications and renewals, each one statement at a time. */
const maxWaitingVerifications = 2
/** What a process remembers beside facts; together about 50 MB. */
const maxChanges = 50_000
const leastAnswered = 200_000

/** Facts, and what they have beside PostgreSQL. */
export interface ComposedFacts {
  readonly facts: Facts
  /** What memory found last for a pair: for who looks ahead. */
  readonly ahead: FactMemory['ahead']
  /**
   * Begins to use Redis and NATS, where they are configured. For when checks are answered: the first
   * one needs neither, and their libraries take long to load.
   */
  readonly connect: () => Promise<void>
}

/** Puts facts together: memory, PostgreSQL, and Redis and NATS where they are configured. */
export function composeFacts(composition: FactsComposition): ComposedFacts {
  const { closers, config, database, log, metrics, onFault, policy, schema } = composition
  const clock: Clock = () => ({ monotonicMs: performance.now(), wallMs: Date.now() })
  const dynamicRoles = (): boolean => policy().definition.dynamicRoles
  const closing = new AbortController()
  const verificationDatabase = openDatabase({
    url: config.databaseUrl,
    statementTimeoutMs: verificationTimeoutMs,
    connections: verificationConnections(config.workers),
    maxWaiting: maxWaitingVerifications,
    onFault: onFault('postgres'),
  })
  closers.push(verificationDatabase.close)
  metrics.watchStatements('verification', verificationDatabase.usage)
  const monotonicNow = (): number => performance.now()
  const reads = (source: FactReader) => ({
    monotonicNow,
    onRead: (ms: number): void => metrics.factRead(source, ms),
  })
  const redis = composeCache(composition)
  const cache = observeCache(redis.cache, {
    ...reads('redis'),
    onAsked: metrics.cacheAsked,
  })
  const malformed = onFault('event')
  const { ahead, close, facts, listener, state } = createFacts({
    clock,
    bounds: { verifyAfterMs: config.verifyAfterMs, cacheTtlMs: config.cacheTtlMs },
    source: observeSource(
      createPostgresFactSource({
        database,
        schema,
        dynamicRoles,
        timeoutMs: config.deadlineMs * sourceShare,
      }),
      reads('postgres'),
    ),
    batches: observeSource(
      createPostgresFactSource({
        database: verificationDatabase,
        schema,
        dynamicRoles,
        timeoutMs: verificationTimeoutMs,
      }),
      reads('verification'),
    ),
    cache,
    createMap: createBoundedMap,
    limits: {
      ...{ maxChanges, maxAnswered: Math.max(leastAnswered, 2 * config.maxSubjects) },
      ...{ maxFacts: config.maxSubjects, maxFactBytes: config.maxSubjects * bytesOfFact },
    },
    hasPlatformRole: (fact: Fact) =>
      fact.platformRoles.some((role) => policy().platformRoles.has(role)),
    schedule,
    random: Math.random,
    signal: closing.signal,
    observer: {
      event(subject, outcome, storedAtMs) {
        metrics.event(subject, outcome)
        if (storedAtMs !== undefined) metrics.eventLag(Date.now() - storedAtMs)
      },
      malformed: (subject, why) => malformed(new Error(`an event on ${subject}: ${why}`)),
      unannounced: metrics.unannounced,
      batch: metrics.verified,
      verificationFailed: onFault('verification'),
      watchBroke(why) {
        metrics.watchBroke()
        log.warn({ cause: why }, 'the watch on changes broke')
      },
    },
  })
  closers.push(() => {
    closing.abort()
    close()
  })
  metrics.watchFacts(state)

  const connectNats = composeWatch(composition, { clock, listener, state })
  return {
    facts,
    ahead,
    async connect() {
      await redis.connect()
      await nextTurn() // each library loads in one piece: checks come in between
      await connectNats()
    },
  }
}

function schedule(task: () => void, afterMs: number): { readonly cancel: () => void } {
  const timer = setTimeout(task, afterMs)
  return { cancel: () => clearTimeout(timer) }
}
