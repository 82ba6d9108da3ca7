import { createBoundedMap } from './adapters/lru/bounded-map.ts'
import { createNatsChangeFeed } from './adapters/nats/change-feed.ts'
import { createPostgresFactSource } from './adapters/postgres/fact-source.ts'
import { openDatabase, type Database } from './adapters/postgres/pool.ts'
import type { SchemaReader } from './adapters/postgres/schema.ts'
import type { FactReader } from './adapters/prometheus/fact-metrics.ts'
import type { Metrics } from './adapters/prometheus/metrics.ts'
import { createRedisFactCache } from './adapters/redis/fact-cache.ts'
import { publicMessageOf } from './application/faults.ts'
import { createFacts, type Facts } from './application/facts.ts'
import { observeCache, observeSource } from './application/observe-reads.ts'
import type { Readiness } from './application/readiness.ts'
import type { Config } from './config.ts'
import type { Fact } from './domain/fact.ts'
import { marginMs } from './domain/freshness.ts'
import type { Policy } from './domain/policy.ts'
import type { Clock } from './ports/clock.ts'
import type { FactCache } from './ports/fact-cache.ts'
import type { ServiceLog } from './service.ts'

/** Share of the deadline after which a source of facts counts as down. */
const sourceShare = 0.8
/** Share of the deadline after which the shared cache is given up and PostgreSQL asked. */
const cacheShare = 0.15
/** Verification has connections of its own: it never stands in the way of a request. */
const verificationConnections = 2
const verificationTimeoutMs = 2_000
/** What a process remembers at most; together about 150 MB. */
const limits = {
  maxFacts: 100_000,
  maxFactBytes: 100 * 1024 * 1024,
  maxChanges: 50_000,
  maxAnswered: 200_000,
}

/** What the facts are put together from. */
export interface FactsComposition {
  readonly config: Config
  readonly database: Database
  readonly schema: SchemaReader
  readonly policy: () => Policy
  readonly metrics: Metrics
  readonly readiness: Readiness
  readonly log: ServiceLog
  readonly onFault: (kind: string) => (cause: unknown) => void
  readonly closers: (() => void | Promise<void>)[]
}

/** Puts facts together: memory, PostgreSQL, and Redis and NATS where they are configured. */
export function composeFacts(composition: FactsComposition): Facts {
  const { closers, config, database, log, metrics, onFault, policy, readiness, schema } =
    composition
  const clock: Clock = () => ({ monotonicMs: performance.now(), wallMs: Date.now() })
  const dynamicRoles = (): boolean => policy().definition.dynamicRoles
  const closing = new AbortController()
  const verificationDatabase = openDatabase({
    url: config.databaseUrl,
    statementTimeoutMs: verificationTimeoutMs,
    connections: verificationConnections,
    maxWaiting: verificationConnections,
    onFault: onFault('postgres'),
  })
  closers.push(verificationDatabase.close)
  metrics.watchStatements('verification', verificationDatabase.usage)
  const monotonicNow = (): number => performance.now()
  const reads = (source: FactReader) => ({
    monotonicNow,
    onRead: (ms: number): void => metrics.factRead(source, ms),
  })
  const cache = observeCache(composeCache(composition), {
    ...reads('redis'),
    onAsked: metrics.cacheAsked,
  })
  const malformed = onFault('event')
  const { close, facts, listener, state } = createFacts({
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
    limits,
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

  if (config.natsUrl !== undefined) {
    let why = 'not connected yet'
    readiness.set('nats', () =>
      state().watchHolds ? { status: 'ok' } : { status: 'down', detail: why },
    )
    const feed = createNatsChangeFeed({
      url: config.natsUrl,
      stream: config.natsStream,
      prefix: config.natsPrefix,
      cacheTtlMs: config.cacheTtlMs,
      marginMs,
      listener,
      clock,
      random: Math.random,
      onFault(cause) {
        why = publicMessageOf(cause)
        onFault('nats')(cause)
      },
      onState({ live }) {
        if (live) log.info({}, 'the watch on changes begins')
      },
    })
    closers.push(feed.close)
  }
  return facts
}

function composeCache({
  closers,
  config,
  log,
  metrics,
  onFault,
  policy,
  readiness,
}: FactsComposition) {
  if (config.redisUrl === undefined) return noCache
  readiness.set('redis', { status: 'down', detail: 'not connected yet' })
  const cache = createRedisFactCache({
    url: config.redisUrl,
    secrets: config.cacheKey === undefined ? config.secrets : [config.cacheKey],
    cacheTtlMs: config.cacheTtlMs,
    timeoutMs: config.deadlineMs * cacheShare,
    policy,
    now: Date.now,
    onFault: onFault('redis'),
    onDropped: metrics.cacheDropped,
    onState(available) {
      metrics.cacheAvailable(available)
      readiness.set('redis', available ? { status: 'ok' } : { status: 'down' })
      log[available ? 'info' : 'warn']({}, available ? 'Redis answers' : 'Redis does not answer')
    },
  })
  closers.push(cache.close)
  return cache
}

const noCache: FactCache = {
  available: () => false,
  get: () => Promise.resolve(undefined),
  put: () => undefined,
  drop: () => undefined,
}

function schedule(task: () => void, afterMs: number): { readonly cancel: () => void } {
  const timer = setTimeout(task, afterMs)
  return { cancel: () => clearTimeout(timer) }
}
