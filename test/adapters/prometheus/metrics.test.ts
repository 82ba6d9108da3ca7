import { describe, expect, it } from 'vitest'
import { createMetrics, type Metrics } from '../../../src/adapters/prometheus/metrics.ts'
import { addRuntimeMetrics } from '../../../src/adapters/prometheus/runtime-metrics.ts'
import type { ComponentState, ReadinessReport } from '../../../src/application/readiness.ts'
import { denyReasons } from '../../../src/domain/decision.ts'
import { until } from '../../support/poll.ts'
import { parseExposition, type Exposition } from '../../support/prometheus-text.ts'

const exposed = async (metrics: Metrics): Promise<Exposition> =>
  parseExposition((await metrics.expose()).text)

const granted = {
  allowed: true,
  reason: 'granted',
  route: 'leave.list',
  source: 'postgres',
  durationS: 0.0007,
} as const

describe('metrics', () => {
  it('are told in the text format that Prometheus reads', async () => {
    const { contentType } = await createMetrics().expose()
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/)
  })

  it.each([
    ['tenantgate_decisions_total', 'counter'],
    ['tenantgate_check_duration_seconds', 'histogram'],
    ['tenantgate_facts_total', 'counter'],
    ['tenantgate_decision_log_dropped_total', 'counter'],
  ])('have %s as a %s from the start', async (name, type) => {
    const { types } = await exposed(createMetrics())
    expect(types.get(name)).toBe(type)
  })

  it('count decisions by outcome, reason and route', async () => {
    const metrics = createMetrics()
    metrics.decided(granted)
    metrics.decided(granted)
    for (const reason of denyReasons) {
      metrics.decided({ ...granted, allowed: false, reason, route: '', source: null })
    }
    const { value, samples } = await exposed(metrics)
    const labels = { decision: 'allow', reason: 'granted', route: 'leave.list' }
    expect(value('tenantgate_decisions_total', labels)).toBe(2)
    for (const reason of denyReasons) {
      const denied = { decision: 'deny', reason, route: '' }
      expect(value('tenantgate_decisions_total', denied)).toBe(1)
    }
    const decisions = samples.filter(({ name }) => name === 'tenantgate_decisions_total')
    expect(decisions).toHaveLength(denyReasons.length + 1)
    for (const sample of decisions) {
      expect(Object.keys(sample.labels).sort()).toEqual(['decision', 'reason', 'route'])
    }
  })

  it('count facts by their source, and none where a decision rested on none', async () => {
    const metrics = createMetrics()
    metrics.decided(granted)
    metrics.decided({ ...granted, source: 'claims' })
    metrics.decided({ ...granted, source: null })
    const { value, samples } = await exposed(metrics)
    expect(value('tenantgate_facts_total', { source: 'postgres' })).toBe(1)
    expect(value('tenantgate_facts_total', { source: 'claims' })).toBe(1)
    const facts = samples.filter(({ name }) => name === 'tenantgate_facts_total')
    expect(facts.reduce((sum, sample) => sum + sample.value, 0)).toBe(2)
  })

  it('measure checks in seconds, in buckets from 50 µs to beyond the deadline', async () => {
    const metrics = createMetrics()
    metrics.decided(granted)
    metrics.decided({ ...granted, durationS: 0.09 })
    metrics.decided({ ...granted, durationS: 3 })
    const { value } = await exposed(metrics)
    const bucket = (le: string) => value('tenantgate_check_duration_seconds_bucket', { le })
    expect([bucket('0.0005'), bucket('0.001'), bucket('0.1'), bucket('+Inf')]).toEqual([0, 1, 2, 3])
    expect(value('tenantgate_check_duration_seconds_sum')).toBeCloseTo(3.0907)
    expect(value('tenantgate_check_duration_seconds_count')).toBe(3)
  })

  it('name the policy in force, and only that', async () => {
    const metrics = createMetrics()
    metrics.policyLoaded('sha256:1')
    metrics.policyLoaded('sha256:2')
    const { samples } = await exposed(metrics)
    expect(samples.filter(({ name }) => name === 'tenantgate_policy_info')).toEqual([
      { name: 'tenantgate_policy_info', labels: { version: 'sha256:2' }, value: 1 },
    ])
  })

  it('count failed reloads, faults by kind, and dropped lines', async () => {
    const metrics = createMetrics()
    metrics.policyReloadFailed()
    metrics.fault('grpc')
    metrics.fault('grpc')
    metrics.fault('postgres')
    metrics.logDropped()
    const { value } = await exposed(metrics)
    expect(value('tenantgate_policy_reload_failures_total')).toBe(1)
    expect(value('tenantgate_faults_total', { kind: 'grpc' })).toBe(2)
    expect(value('tenantgate_faults_total', { kind: 'postgres' })).toBe(1)
    expect(value('tenantgate_decision_log_dropped_total')).toBe(1)
  })

  it('have what can be counted from the start, so that a rate sees the first of it', async () => {
    const metrics = createMetrics()
    metrics.fault('redis', 0)
    const { value } = await exposed(metrics)
    for (const [name, labels] of [
      ['tenantgate_facts_total', { source: 'claims' }],
      ['tenantgate_events_total', { subject: 'member.removed', outcome: 'malformed' }],
      ['tenantgate_events_total', { subject: 'other', outcome: 'applied' }],
      ['tenantgate_cache_lookups_total', { cache: 'redis', outcome: 'miss' }],
      ['tenantgate_cache_dropped_total', { kind: 'drop' }],
      ['tenantgate_trace_spans_total', { outcome: 'dropped' }],
      ['tenantgate_fact_read_duration_seconds_count', { source: 'verification' }],
      ['tenantgate_faults_total', { kind: 'redis' }],
    ] as const) {
      expect([name, value(name, labels)]).toEqual([name, 0])
    }
  })

  it('look at state when they are read', async () => {
    const metrics = createMetrics()
    let waiting = 0
    metrics.watchStatements('checks', () => ({ running: 2, waiting }))
    metrics.watchTokens(() => ({ entries: 3, bytes: 4, hits: 5, misses: 6 }))
    metrics.watchLog(() => ({ queuedBytes: 7, writtenLines: 8, droppedLines: 9, rotations: 10 }))
    metrics.watchSpans(() => 11)
    metrics.checksWaiting(12)
    const parts: Record<string, ComponentState> = { redis: { status: 'down' } }
    let status: ReadinessReport['status'] = 'degraded'
    metrics.watchReadiness(() => ({ status, components: parts }))
    const first = await exposed(metrics)
    expect(first.value('tenantgate_postgres_statements', { state: 'waiting' })).toBe(0)
    expect(first.value('tenantgate_postgres_statements', { state: 'running' })).toBe(2)
    expect(first.value('tenantgate_cache_lookups_total', { outcome: 'hit' })).toBe(5)
    expect(first.value('tenantgate_cache_lookups_total', { outcome: 'miss' })).toBe(6)
    expect(first.value('tenantgate_decision_log_queued_bytes')).toBe(7)
    expect(first.value('tenantgate_decision_log_lines_total')).toBe(8)
    expect(first.value('tenantgate_decision_log_rotations_total')).toBe(10)
    expect(first.value('tenantgate_trace_spans_waiting')).toBe(11)
    expect(first.value('tenantgate_checks_waiting')).toBe(12)
    expect(first.value('tenantgate_ready')).toBe(1)
    expect(first.value('tenantgate_component_ok', { component: 'redis' })).toBe(0)

    waiting = 4
    status = 'draining'
    delete parts['redis']
    parts['policy'] = { status: 'ok' }
    const second = await exposed(metrics)
    expect(second.value('tenantgate_postgres_statements', { state: 'waiting' })).toBe(4)
    expect(second.value('tenantgate_ready')).toBe(0)
    expect(second.value('tenantgate_component_ok', { component: 'policy' })).toBe(1)
    expect(second.value('tenantgate_component_ok', { component: 'redis' })).toBeUndefined()
    // What grows elsewhere is told as it is, not added up.
    expect(second.value('tenantgate_decision_log_lines_total')).toBe(8)
    expect(second.value('tenantgate_cache_lookups_total', { outcome: 'hit' })).toBe(5)
  })

  it('measure how late an event was and how long reads took', async () => {
    const metrics = createMetrics()
    metrics.eventLag(40)
    metrics.eventLag(-3) // clocks of two machines
    metrics.factRead('redis', 0.7)
    const { value } = await exposed(metrics)
    expect(value('tenantgate_event_lag_seconds_bucket', { le: '0.025' })).toBe(1)
    expect(value('tenantgate_event_lag_seconds_sum')).toBeCloseTo(0.04)
    const le = { source: 'redis', le: '0.001' }
    expect(value('tenantgate_fact_read_duration_seconds_bucket', le)).toBe(1)
  })

  it('tell that the event loop stood still, once, at every scrape, and no lag where there is none', async () => {
    const metrics = createMetrics()
    metrics.watchRuntime(addRuntimeMetrics)
    const count = async (le: string) =>
      (await exposed(metrics)).value('tenantgate_event_loop_delay_seconds_bucket', { le }) ?? 0
    const above = async (le: string) => (await count('+Inf')) - (await count(le))
    await until(async () => (await count('+Inf')) > 0, { what: 'a sample' })
    const active = 'tenantgate_event_loop_active_seconds_total'
    const before = (await exposed(metrics)).value(active) ?? 0
    const [slow, all] = [await above('0.25'), await count('+Inf')]
    const end = performance.now() + 400
    while (performance.now() < end);
    await until(async () => (await above('0.25')) > slow, { what: 'the stall' })
    const then = await count('+Inf')
    await until(async () => (await count('+Inf')) > then + 3, { what: 'samples after it' })
    // Told once, and a scrape takes nothing away from the next one.
    expect(await above('0.25')).toBe(slow + 1)
    expect((await count('+Inf')) - all).toBeLessThan(40)
    expect(((await exposed(metrics)).value(active) ?? 0) - before).toBeGreaterThan(0.35)
    metrics.close()
    const { types } = await exposed(metrics)
    expect([...types.keys()].filter((name) => name.includes('eventloop_lag'))).toEqual([])
  })

  it('tell of the process, once that was loaded', async () => {
    const metrics = createMetrics()
    expect((await exposed(metrics)).types.has('process_cpu_seconds_total')).toBe(false)
    metrics.watchRuntime(addRuntimeMetrics)
    metrics.watchRuntime(addRuntimeMetrics)
    expect((await exposed(metrics)).types.get('process_cpu_seconds_total')).toBe('counter')
    metrics.close()
  })

  it('stay readable whatever a route is called', async () => {
    const metrics = createMetrics()
    const route = 'a"b\\c\nd} 1\n# TYPE x counter'
    metrics.decided({ ...granted, route })
    const { value } = await exposed(metrics)
    expect(value('tenantgate_decisions_total', { route })).toBe(1)
  })

  it('are their own: two services in a process do not share them', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.logDropped()
    expect((await exposed(other)).value('tenantgate_decision_log_dropped_total')).toBe(0)
  })
})
