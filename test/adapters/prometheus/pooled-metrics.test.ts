import { describe, expect, it } from 'vitest'
import { readFamilies, writeFamilies } from '../../../src/adapters/prometheus/exposition-text.ts'
import { createMetrics } from '../../../src/adapters/prometheus/metrics.ts'
import { createPooledMetrics } from '../../../src/adapters/prometheus/pooled-metrics.ts'
import { parseExposition } from '../../support/prometheus-text.ts'

const exposition = (type: string, name: string, samples: Readonly<Record<string, number>>) =>
  [
    `# HELP ${name} Words.`,
    `# TYPE ${name} ${type}`,
    ...Object.entries(samples).map(([labels, value]) => `${name}${labels} ${value}`),
    '',
  ].join('\n')

describe('an exposition', () => {
  it('is written as it was read', async () => {
    const metrics = createMetrics()
    metrics.policyLoaded('a "version" with\\ a b')
    const { text } = await metrics.expose()
    metrics.close()
    const written = writeFamilies(readFamilies(text))
    expect(parseExposition(written).samples).toEqual(parseExposition(text).samples)
    expect(parseExposition(written).types).toEqual(parseExposition(text).types)
    expect(writeFamilies(readFamilies(written))).toBe(written)
  })

  it('may hold what is no number', () => {
    const text = '# HELP a Words.\n# TYPE a gauge\na{b="+"} +Inf\na{b="-"} -Inf\na{b="n"} Nan\n\n'
    expect(writeFamilies(readFamilies(text))).toBe(text)
  })
})

describe('metrics of several workers', () => {
  const counter = (value: number) => exposition('counter', 'requests_total', { '{a="b c"}': value })
  const total = (text: string) => parseExposition(text).value('requests_total', { a: 'b c' })

  it('are added up, with those of the supervisor', () => {
    const pooled = createPooledMetrics()
    pooled.told(0, counter(3))
    pooled.told(1, counter(4))
    expect(total(pooled.expose(counter(10)))).toBe(17)
  })

  it('never go back where a worker dies, and count on from there', () => {
    const pooled = createPooledMetrics()
    pooled.told(0, counter(3))
    pooled.told(1, counter(4))
    pooled.ended(0)
    expect(total(pooled.expose(''))).toBe(7)
    pooled.told(0, counter(1))
    expect(total(pooled.expose(''))).toBe(8)
    pooled.told(0, counter(5))
    pooled.ended(0)
    pooled.ended(0)
    expect(total(pooled.expose(''))).toBe(12)
  })

  it('are no more where they were what a worker is, not what it counted', () => {
    const gauge = exposition('gauge', 'tenantgate_memory_facts', { '': 5 })
    const pooled = createPooledMetrics()
    pooled.told(0, gauge)
    pooled.told(1, gauge)
    pooled.ended(0)
    expect(parseExposition(pooled.expose('')).value('tenantgate_memory_facts')).toBe(5)
  })

  it.each<[string, number, number, number, number]>([
    ['tenantgate_ready', 1, 1, 0, 0],
    ['tenantgate_policy_loaded_timestamp_seconds', 10, 11, 12, 12],
    ['tenantgate_watch_unbroken', 1, 0, 0, 0],
    ['tenantgate_watch_unbroken', 1, 1, 0, 1],
    ['tenantgate_cache_available', 1, 1, 0, 1],
    ['tenantgate_clock_skew_seconds', 0.1, -0.3, 5, -0.3],
    ['process_start_time_seconds', 20, 30, 10, 10],
    ['tenantgate_checks_waiting', 2, 3, 0, 5],
  ])('%s of %d and %d, and of the supervisor %d, is %d', (name, first, second, own, expected) => {
    const pooled = createPooledMetrics()
    pooled.told(0, exposition('gauge', name, { '': first }))
    pooled.told(1, exposition('gauge', name, { '': second }))
    const { value } = parseExposition(pooled.expose(exposition('gauge', name, { '': own })))
    expect(value(name)).toBe(expected)
  })

  it('leave to the supervisor what it is said to know better', () => {
    const pooled = createPooledMetrics(['requests_total'])
    pooled.told(0, counter(3))
    pooled.ended(0)
    pooled.told(0, counter(3))
    expect(total(pooled.expose(counter(2)))).toBe(2)
  })

  it('have every family and every bucket of one process, once', async () => {
    const workers = [createMetrics(), createMetrics(), createMetrics()]
    for (const [index, metrics] of workers.entries()) {
      metrics.decided({
        decision: 'allow',
        reason: 'granted',
        route: `r${index}`,
        durationS: 0.001,
      } as never)
    }
    const texts = await Promise.all(workers.map(async (one) => (await one.expose()).text))
    for (const one of workers) one.close()
    const pooled = createPooledMetrics()
    pooled.told(0, texts[0] ?? '')
    pooled.told(1, texts[1] ?? '')
    const { samples, types, value } = parseExposition(pooled.expose(texts[2] ?? ''))
    expect([...types.keys()]).toEqual([...parseExposition(texts[0] ?? '').types.keys()])
    expect(value('tenantgate_check_duration_seconds_count')).toBe(3)
    expect(value('tenantgate_check_duration_seconds_bucket', { le: '+Inf' })).toBe(3)
    expect(samples.filter(({ name }) => name === 'tenantgate_decisions_total')).toHaveLength(3)
  })
})
