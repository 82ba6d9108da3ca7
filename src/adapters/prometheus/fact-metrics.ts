import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { FactsState } from '../../application/facts.ts'

/** Counts what becomes of facts, events and the shared cache. */
export interface FactMetrics {
  /** `subject` is one of contract section 6, or `other`. */
  readonly event: (subject: string, outcome: 'applied' | 'malformed') => void
  readonly unannounced: () => void
  readonly verified: (pairs: number, lagMs: number) => void
  readonly cacheDropped: (kind: 'put' | 'drop', count: number) => void
  readonly cacheAvailable: (available: boolean) => void
  /** Where the gauges look when they are read. */
  readonly watchFacts: (state: () => FactsState) => void
  readonly watchTokens: (usage: () => { readonly entries: number; readonly bytes: number }) => void
}

const batchBuckets = [1, 2, 5, 10, 25, 50, 100, 250, 500]
const lagBuckets = [0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1, 2.5, 5, 10]

/** Adds the metrics of facts to a registry. */
export function createFactMetrics(registry: Registry): FactMetrics {
  const registers = [registry]
  const events = new Counter({
    name: 'tenantgate_events_total',
    help: 'Events of changes, by subject and by whether they could be read.',
    labelNames: ['subject', 'outcome'],
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
  const droppedWrites = new Counter({
    name: 'tenantgate_cache_dropped_total',
    help: 'Writes to the shared cache that were not sent, by kind.',
    labelNames: ['kind'],
    registers,
  })
  const cacheUp = new Gauge({
    name: 'tenantgate_cache_available',
    help: 'Whether the shared cache answers: 1 or 0.',
    registers,
  })
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  let state = (): FactsState => nothing
  let tokens: Parameters<FactMetrics['watchTokens']>[0] = () => ({ entries: 0, bytes: 0 })
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
  return {
    event: (subject, outcome) => events.inc({ subject, outcome }),
    unannounced: () => unannounced.inc(),
    verified(pairs, lagMs) {
      batches.observe(pairs)
      lag.observe(lagMs / 1000)
    },
    cacheDropped: (kind, count) => droppedWrites.inc({ kind }, count),
    cacheAvailable: (available) => cacheUp.set(Number(available)),
    watchFacts: (read) => void (state = read),
    watchTokens: (read) => void (tokens = read),
  }
}

const nothing: FactsState = { watchHolds: false, waiting: 0, entries: 0, bytes: 0, skewMs: 0 }
