import { describe, expect, it } from 'vitest'
import { createMetrics, type Metrics } from '../../../src/adapters/prometheus/metrics.ts'
import { denyReasons } from '../../../src/domain/decision.ts'
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
    ['process_cpu_seconds_total', 'counter'],
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
    expect(samples.filter(({ name }) => name === 'tenantgate_facts_total')).toHaveLength(2)
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
