import { readFamilies, writeFamilies, type Families, type MetricFamily } from './exposition-text.ts'

/** Metrics of several workers, and of their supervisor, as those of one service. */
export interface PooledMetrics {
  /** What a worker told now. */
  readonly told: (index: number, exposition: string) => void
  /** A worker's process has ended: what it counted stays counted, what it was is no more. */
  readonly ended: (index: number) => void
  /** All of it, with what the supervisor tells of itself. */
  readonly expose: (own: string) => string
}

/** How values of one gauge make one: by default they are added. */
type Rule = 'least' | 'greatest' | 'furthest' | 'own'

/** Gauges that are no amounts. `own`: the supervisor's alone counts, which looks at all workers. */
const rules: Readonly<Record<string, Rule>> = {
  tenantgate_ready: 'own',
  tenantgate_component_ok: 'own',
  tenantgate_policy_info: 'own',
  tenantgate_policy_loaded_timestamp_seconds: 'own',
  tenantgate_watch_unbroken: 'least',
  tenantgate_cache_available: 'least',
  tenantgate_clock_skew_seconds: 'furthest',
  process_start_time_seconds: 'least',
  process_max_fds: 'least',
  nodejs_version_info: 'greatest',
}
/** What no check waits for: the supervisor's own is left out of these. */
const ofWorkersAlone: readonly string[] = [
  'tenantgate_watch_unbroken',
  'tenantgate_cache_available',
  'tenantgate_clock_skew_seconds',
  'tenantgate_event_loop_delay_seconds',
  'tenantgate_event_loop_active_seconds_total',
]
const additive = ['counter', 'histogram', 'summary']

/**
 * Makes the metrics of a pool. Counters never go back, also where a worker dies: a rate would take
 * that for a restart, and what is left for new. What a worker that was killed counted after it was
 * last asked is lost. `ofSupervisor` names what workers tell but the supervisor knows better.
 */
export function createPooledMetrics(ofSupervisor: readonly string[] = []): PooledMetrics {
  const latest = new Map<number, Families>()
  const past = new Map<string, MetricFamily>()
  return {
    told: (index, exposition) => void latest.set(index, readFamilies(exposition)),
    ended(index) {
      for (const family of latest.get(index)?.values() ?? []) {
        if (additive.includes(family.type)) add(past, family)
      }
      latest.delete(index)
    },
    expose(own) {
      const sum = new Map<string, MetricFamily>()
      const ownFamilies = readFamilies(own)
      for (const family of ownFamilies.values()) {
        if (ofWorkersAlone.includes(family.name)) declare(sum, family)
        else add(sum, family)
      }
      for (const families of [past, ...latest.values()]) {
        for (const family of families.values()) {
          const isOwn = rules[family.name] === 'own' || ofSupervisor.includes(family.name)
          if (!isOwn) add(sum, family)
        }
      }
      return writeFamilies(sum)
    },
  }
}

/** A family of that name, empty at first. */
function declare(
  into: Map<string, MetricFamily>,
  { help, name, type }: MetricFamily,
): MetricFamily {
  const family = into.get(name) ?? { name, help, type, samples: new Map<string, number>() }
  into.set(name, family)
  return family
}

function add(into: Map<string, MetricFamily>, family: MetricFamily): void {
  const { samples } = declare(into, family)
  const rule = rules[family.name]
  for (const [series, value] of family.samples) {
    const before = samples.get(series)
    samples.set(series, before === undefined ? value : combined(rule, before, value))
  }
}

function combined(rule: Rule | undefined, a: number, b: number): number {
  switch (rule) {
    case 'least':
      return Math.min(a, b)
    case 'greatest':
      return Math.max(a, b)
    case 'furthest':
      return Math.abs(a) < Math.abs(b) ? b : a
    case 'own':
    case undefined:
      return a + b
  }
}
