import type { CheckMetrics } from '../../application/observe-check.ts'
import { Counter, Gauge, Registry } from './client.ts'
import { createDecisionCounts } from './decision-counts.ts'
import { DurationHistogram } from './duration-histogram.ts'
import { createFactMetrics, type FactMetrics } from './fact-metrics.ts'
import type { addRuntimeMetrics } from './runtime-metrics.ts'
import { createStateMetrics, type StateMetrics } from './state-metrics.ts'

/** Buckets in seconds around what a check costs: 50 µs to its deadline. */
const durationBuckets = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
]

/** Counts what the service does. Labels come from the policy alone, never from a request. */
export interface Metrics extends CheckMetrics, FactMetrics, StateMetrics {
  readonly policyLoaded: (version: string) => void
  readonly policyReloadFailed: () => void
  /** `count` 0 makes the kind known, so that a rate sees the first. */
  readonly fault: (kind: string, count?: number) => void
  readonly logDropped: () => void
  /** Adds what Node tells of the process, by a part that takes long to load. */
  readonly watchRuntime: (add: typeof addRuntimeMetrics) => void
  readonly expose: () => Promise<{ readonly contentType: string; readonly text: string }>
  readonly close: () => void
}

/** Makes the metrics in a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  let runtime: ReturnType<typeof addRuntimeMetrics> | undefined
  const registers = [registry]
  const count = createDecisionCounts(registry)
  const duration = new DurationHistogram({
    name: 'tenantgate_check_duration_seconds',
    help: 'Time from the turn of the event loop that read a check to its decision.',
    buckets: durationBuckets,
    registers,
  })
  const policyInfo = new Gauge({
    name: 'tenantgate_policy_info',
    help: 'The policy in force: 1 under its version.',
    labelNames: ['version'],
    registers,
  })
  const policyLoadedAt = new Gauge({
    name: 'tenantgate_policy_loaded_timestamp_seconds',
    help: 'When the policy in force was loaded, as Unix time.',
    registers,
  })
  const reloadFailures = new Counter({
    name: 'tenantgate_policy_reload_failures_total',
    help: 'Policy files that did not load; the last good policy stayed.',
    registers,
  })
  const faults = new Counter({
    name: 'tenantgate_faults_total',
    help: 'Faults of dependencies and of the service itself, by kind.',
    labelNames: ['kind'],
    registers,
  })
  const dropped = new Counter({
    name: 'tenantgate_decision_log_dropped_total',
    help: 'Decisions that could not be logged.',
    registers,
  })
  return {
    ...createFactMetrics(registry),
    ...createStateMetrics(registry),
    decided(observation) {
      count(observation)
      duration.count(observation.durationS)
    },
    policyLoaded(version) {
      policyInfo.reset()
      policyInfo.set({ version }, 1)
      policyLoadedAt.setToCurrentTime()
    },
    policyReloadFailed: () => reloadFailures.inc(),
    fault: (kind, times = 1) => faults.inc({ kind }, times),
    logDropped: () => dropped.inc(),
    watchRuntime: (add) => (runtime ??= add(registry)),
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    close: () => runtime?.close(),
  }
}
