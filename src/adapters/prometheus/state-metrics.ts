import type { Registry } from 'prom-client'
import type { ReadinessReport } from '../../application/readiness.ts'
import type { DecisionLogUsage } from '../../ports/decision-log.ts'
import { Counter } from './client.ts'
import { addCounter, addGauge, addLabelledGauge } from './polled.ts'

/** How much is done at once, and how much waits for its turn. */
export interface QueueUsage {
  readonly running: number
  readonly waiting: number
}

/** Tells how the service and its parts are, read when they are exposed. */
export interface StateMetrics {
  readonly watchReadiness: (report: () => ReadinessReport) => void
  /** Statements to PostgreSQL, by what they are for. */
  readonly watchStatements: (pool: string, usage: () => QueueUsage) => void
  /** Checks that were begun and wait for I/O. */
  readonly checksWaiting: (count: number) => void
  readonly spans: (outcome: 'exported' | 'failed' | 'dropped', count: number) => void
  readonly watchSpans: (waiting: () => number) => void
  readonly watchLog: (usage: () => DecisionLogUsage) => void
}

/** Adds the metrics of state to a registry. */
export function createStateMetrics(registry: Registry): StateMetrics {
  let report = (): ReadinessReport => ({ status: 'not_ready', components: {} })
  const pools = new Map<string, () => QueueUsage>()
  let checks = 0
  let spansWaiting = (): number => 0
  addGauge(registry, {
    name: 'tenantgate_ready',
    help: 'Whether requests should be sent here, as /readyz says: 1 or 0.',
    read: () => Number(['ready', 'degraded'].includes(report().status)),
  })
  addLabelledGauge(registry, {
    name: 'tenantgate_component_ok',
    help: 'Whether each configured part works, as /readyz says: 1 or 0.',
    labelNames: ['component'],
    read: () =>
      Object.entries(report().components).map(([component, { status }]) => ({
        labels: { component },
        value: Number(status === 'ok'),
      })),
  })
  addLabelledGauge(registry, {
    name: 'tenantgate_postgres_statements',
    help: 'Statements that PostgreSQL works on, and that wait for a connection, by pool.',
    labelNames: ['pool', 'state'],
    read: () =>
      [...pools].flatMap(([pool, usage]) => {
        const { running, waiting } = usage()
        return [
          { labels: { pool, state: 'running' }, value: running },
          { labels: { pool, state: 'waiting' }, value: waiting },
        ]
      }),
  })
  addGauge(registry, {
    name: 'tenantgate_checks_waiting',
    help: 'Checks under way that wait for a signature, Redis or PostgreSQL.',
    read: () => checks,
  })
  const log = addLogMetrics(registry)
  const spans = new Counter({
    name: 'tenantgate_trace_spans_total',
    help: 'Spans of checks by what became of them; dropped: the queue was full.',
    labelNames: ['outcome'],
    registers: [registry],
  })
  for (const outcome of ['exported', 'failed', 'dropped']) spans.inc({ outcome }, 0)
  addGauge(registry, {
    name: 'tenantgate_trace_spans_waiting',
    help: 'Spans that wait to be sent.',
    read: () => spansWaiting(),
  })
  return {
    watchReadiness: (read) => void (report = read),
    watchStatements: (pool, usage) => void pools.set(pool, usage),
    checksWaiting: (count) => void (checks = count),
    spans: (outcome, count) => spans.inc({ outcome }, count),
    watchSpans: (read) => void (spansWaiting = read),
    watchLog: log.watch,
  }
}

/** What the decision log holds and has done. */
function addLogMetrics(registry: Registry): {
  readonly watch: (usage: () => DecisionLogUsage) => void
} {
  let usage = (): Omit<DecisionLogUsage, 'droppedLines'> => noUsage
  addGauge(registry, {
    name: 'tenantgate_decision_log_queued_bytes',
    help: 'Lines that wait to be written.',
    read: () => usage().queuedBytes,
  })
  addCounter(registry, {
    name: 'tenantgate_decision_log_lines_total',
    help: 'Lines that were written, of decisions and of policies.',
    read: () => usage().writtenLines,
  })
  addCounter(registry, {
    name: 'tenantgate_decision_log_rotations_total',
    help: 'Files of the decision log that were begun after the first.',
    read: () => usage().rotations,
  })
  return { watch: (read) => void (usage = read) }
}

const noUsage = { queuedBytes: 0, writtenLines: 0, rotations: 0 }
