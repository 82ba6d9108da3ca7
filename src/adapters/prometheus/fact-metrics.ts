import type { Registry } from 'prom-client'
import type { FactsState } from '../../application/facts.ts'
import type { TokenMemoryUsage } from '../../application/token-memory.ts'
import { knownSubjects } from '../../domain/change-event.ts'
import { Counter, Gauge, Histogram } from './client.ts'
import { addGauge } from './polled.ts'

/** Counts what becomes of facts, events and the shared cache. */
export interface FactMetrics {
  /** `subject` is one of contract section 6, or `other`. */
  readonly event: (subject: string, outcome: 'applied' | 'malformed') => void
  /** An event was handled so long after its stream had stored it. */
  readonly eventLag: (ms: number) => void
  readonly watchBroke: () => void
  readonly unannounced: () => void
  readonly verified: (pairs: number, lagMs: number) => void
  /** A read of facts has ended, in whatever way. */
  readonly factRead: (source: FactReader, ms: number) => void
  readonly cacheAsked: (hit: boolean) => void
  readonly cacheDropped: (kind: 'put' | 'drop', count: number) => void
  readonly cacheAvailable: (available: boolean) => void
  /** Where the gauges look when they are read. */
  readonly watchFacts: (state: () => FactsState) => void
  readonly watchTokens: (usage: () => TokenMemoryUsage) => void
}

/** Who reads facts outside the process: a check from Redis or PostgreSQL, or verification. */
export type FactReader = 'redis' | 'postgres' | 'verification'

const batchBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500]
const lagBuckets = [0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1, 2.5, 5, 10]
const readBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5]
const eventLagBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

/** Adds the metrics of facts to a registry. What can be counted is exposed from the start, as 0. */
export function createFactMetrics(registry: Registry): FactMetrics {
  const watched = addWatched(registry)
  const registers = [registry]
  const events = new Counter({
    name: 'tenantgate_events_total',
    help: 'Events of changes, by subject and by whether they could be read.',
    labelNames: ['subject', 'outcome'],
    registers,
  })
  for (const subject of [...knownSubjects, 'other']) {
    events.inc({ subject, outcome: 'applied' }, 0)
    events.inc({ subject, outcome: 'malformed' }, 0)
  }
  const eventLag = new Histogram({
    name: 'tenantgate_event_lag_seconds',
    help: 'Time from when the stream stored an event, by its clock, until it was handled here.',
    buckets: eventLagBuckets,
    registers,
  })
  const watchBreaks = new Counter({
    name: 'tenantgate_watch_breaks_total',
    help: 'How often the watch on changes lost its connection.',
    registers,
  })
  const unannounced = new Counter({
    name: 'tenantgate_unannounced_changes_total',
    help: 'Changes that were found by reading, without an event.',
    registers,
  })
  const batches = new Histogram({
    name: 'tenantgate_verification_batch_pairs',
    help: 'Pairs in each statement that verifies facts in use.',
    buckets: batchBuckets,
    registers,
  })
  const lag = new Histogram({
    name: 'tenantgate_verification_lag_seconds',
    help: 'How long the first pair of a statement had waited when it was answered.',
    buckets: lagBuckets,
    registers,
  })
  const reads = new Histogram({
    name: 'tenantgate_fact_read_duration_seconds',
    help: 'Time that reads of facts took, those that failed too, by where they were read.',
    labelNames: ['source'],
    buckets: readBuckets,
    registers,
  })
  for (const source of ['redis', 'postgres', 'verification']) reads.zero({ source })
  const droppedWrites = new Counter({
    name: 'tenantgate_cache_dropped_total',
    help: 'Writes to the shared cache that were not sent, by kind.',
    labelNames: ['kind'],
    registers,
  })
  for (const kind of ['put', 'drop']) droppedWrites.inc({ kind }, 0)
  const cacheUp = new Gauge({
    name: 'tenantgate_cache_available',
    help: 'Whether the shared cache answers: 1 or 0.',
    registers,
  })
  return {
    ...watched,
    event: (subject, outcome) => events.inc({ subject, outcome }),
    eventLag: (ms) => eventLag.observe(Math.max(0, ms) / 1000),
    watchBroke: () => watchBreaks.inc(),
    unannounced: () => unannounced.inc(),
    verified(pairs, lagMs) {
      batches.observe(pairs)
      lag.observe(lagMs / 1000)
    },
    factRead: (source, ms) => reads.observe({ source }, ms / 1000),
    cacheDropped: (kind, count) => droppedWrites.inc({ kind }, count),
    cacheAvailable: (available) => cacheUp.set(Number(available)),
  }
}

/** Adds what is looked at only when it is read, and the counts of look-ups. */
function addWatched(
  registry: Registry,
): Pick<FactMetrics, 'cacheAsked' | 'watchFacts' | 'watchTokens'> {
  let state = (): FactsState => nothing
  let tokens = (): TokenMemoryUsage => noTokens
  const redis = { hit: 0, miss: 0 }
  const gauge = (name: string, help: string, read: () => number): void =>
    addGauge(registry, { name, help, read })
  gauge('tenantgate_watch_unbroken', 'Whether the watch on changes holds: 1 or 0.', () =>
    Number(state().watchHolds),
  )
  gauge('tenantgate_verification_waiting', 'Pairs that wait to be verified.', () => state().waiting)
  gauge('tenantgate_memory_facts', 'Facts in memory.', () => state().entries)
  gauge('tenantgate_memory_fact_bytes', 'Their size, roughly.', () => state().bytes)
  gauge('tenantgate_memory_tokens', 'Verified tokens in memory.', () => tokens().entries)
  gauge('tenantgate_memory_token_bytes', 'Their size, roughly.', () => tokens().bytes)
  gauge(
    'tenantgate_clock_skew_seconds',
    "PostgreSQL's clock less the process's, as the last read showed; 0 where it cannot tell.",
    () => state().skewMs / 1000,
  )
  new Counter({
    name: 'tenantgate_cache_lookups_total',
    help: 'Look-ups of verified tokens in memory and of facts in Redis, by outcome.',
    labelNames: ['cache', 'outcome'],
    registers: [registry],
    collect() {
      this.reset()
      const { hits, misses } = tokens()
      this.inc({ cache: 'tokens', outcome: 'hit' }, hits)
      this.inc({ cache: 'tokens', outcome: 'miss' }, misses)
      this.inc({ cache: 'redis', outcome: 'hit' }, redis.hit)
      this.inc({ cache: 'redis', outcome: 'miss' }, redis.miss)
    },
  })
  return {
    cacheAsked: (hit) => void (redis[hit ? 'hit' : 'miss'] += 1),
    watchFacts: (read) => void (state = read),
    watchTokens: (read) => void (tokens = read),
  }
}

const nothing: FactsState = { watchHolds: false, waiting: 0, entries: 0, bytes: 0, skewMs: 0 }
const noTokens: TokenMemoryUsage = { entries: 0, bytes: 0, hits: 0, misses: 0 }
