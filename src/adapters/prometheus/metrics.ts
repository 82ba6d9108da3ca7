import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { CheckMetrics } from '../../application/observe-check.ts'
import { createFactMetrics, type FactMetrics } from './fact-metrics.ts'

/** Buckets in seconds around what a check costs: 50 µs to its deadline. */
const durationBuckets = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
]

/** Counts what the service does. Labels come from the policy alone, never from a request. */
export interface Metrics extends CheckMetrics, FactMetrics {
  readonly policyLoaded: (version: string) => void
  readonly policyReloadFailed: () => void
  readonly fault: (kind: string) => void
  readonly logDropped: () => void
  readonly expose: () => Promise<{ readonly contentType: string; readonly text: string }>
}

/** Makes the metrics in a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const decisions = new Counter({
    name: 'tenantgate_decisions_total',
    help: 'Decisions by outcome, reason and route; the route is empty where none matched.',
    labelNames: ['decision', 'reason', 'route'],
    registers,
  })
  const duration = new Histogram({
    name: 'tenantgate_check_duration_seconds',
    help: 'Time from a decoded check to its decision.',
    buckets: durationBuckets,
    registers,
  })
  const facts = new Counter({
    name: 'tenantgate_facts_total',
    help: 'Facts that decisions rested on, by where they were read.',
    labelNames: ['source'],
    registers,
  })
  const policyInfo = new Gauge({
    name: 'tenantgate_policy_info',
    help: 'The policy in force: 1 under its version.',
    labelNames: ['version'],
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
    decided({ allowed, reason, route, source, durationS }) {
      decisions.inc({ decision: allowed ? 'allow' : 'deny', reason, route })
      duration.observe(durationS)
      if (source !== null) facts.inc({ source })
    },
    policyLoaded(version) {
      policyInfo.reset()
      policyInfo.set({ version }, 1)
    },
    policyReloadFailed: () => reloadFailures.inc(),
    fault: (kind) => faults.inc({ kind }),
    logDropped: () => dropped.inc(),
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  }
}
