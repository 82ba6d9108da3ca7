import { describe, expect, it } from 'vitest'
import { readTracing } from '../src/config-tracing.ts'

const at = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

describe('tracing', () => {
  it.each([
    ['without a variable', {}],
    ['with empty variables', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ', OTEL_TRACES_EXPORTER: '' }],
    ['where the SDK is disabled', { ...at, OTEL_SDK_DISABLED: 'TRUE' }],
    ['with no exporter', { ...at, OTEL_TRACES_EXPORTER: 'none' }],
    ['with variables that name no collector', { OTEL_SERVICE_NAME: 'a' }],
  ])('is off %s', (_name, env) => {
    expect(readTracing(env)).toEqual({ tracing: undefined, warnings: [] })
  })

  it.each([
    ['a collector', at],
    ['one for traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/v1/traces' }],
    ['an exporter', { OTEL_TRACES_EXPORTER: 'otlp' }],
    ['the protocol', { ...at, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }],
    ['an SDK that is not disabled', { ...at, OTEL_SDK_DISABLED: 'false' }],
  ])('is on with %s, by the defaults of the specification', (_name, env) => {
    expect(readTracing(env)).toEqual({
      tracing: {
        sampler: { kind: 'always_on', parentBased: true, ratio: 1 },
        resource: { 'service.name': 'tenantgate' },
        queue: { maxSpans: 2048, maxBatch: 512, delayMs: 5000, timeoutMs: 30000 },
      },
      warnings: [],
    })
  })

  it.each([
    ['a protocol', { ...at, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'only http/protobuf'],
    ['an exporter', { ...at, OTEL_TRACES_EXPORTER: 'zipkin' }, '"zipkin" is not supported'],
    ['a URL', { OTEL_EXPORTER_OTLP_ENDPOINT: 'user:pw@c' }, 'OTEL_EXPORTER_OTLP_ENDPOINT is not'],
    [
      'a URL for traces',
      { ...at, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'ftp://user:pw@c' },
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not',
    ],
  ])('is off, and says why, with %s that it cannot use', (_name, env, why) => {
    const { tracing, warnings } = readTracing(env)
    expect([tracing, warnings.length]).toEqual([undefined, 1])
    expect(warnings[0]).toContain(why)
    expect(warnings[0]).not.toContain('pw')
  })

  it.each([
    ['always_on', undefined, { kind: 'always_on', parentBased: false, ratio: 1 }],
    ['always_off', undefined, { kind: 'always_off', parentBased: false, ratio: 1 }],
    ['traceidratio', '0.25', { kind: 'traceidratio', parentBased: false, ratio: 0.25 }],
    ['parentbased_always_off', '1', { kind: 'always_off', parentBased: true, ratio: 1 }],
    ['parentbased_traceidratio', '0', { kind: 'traceidratio', parentBased: true, ratio: 0 }],
    ['parentbased_traceidratio', undefined, { kind: 'traceidratio', parentBased: true, ratio: 1 }],
  ])('samples by %s %s', (sampler, share, expected) => {
    const env = { ...at, OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: share }
    const { tracing, warnings } = readTracing(env)
    expect([tracing?.sampler, warnings]).toEqual([expected, []])
  })

  it.each([
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_TRACES_SAMPLER', 'constructor'],
    ['OTEL_RESOURCE_ATTRIBUTES', 'a=b,c'],
    ['OTEL_RESOURCE_ATTRIBUTES', 'a=%zz'],
    ['OTEL_RESOURCE_ATTRIBUTES', '=b'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '0'],
    ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '4096'],
    ['OTEL_BSP_SCHEDULE_DELAY', 'soon'],
    ['OTEL_BSP_EXPORT_TIMEOUT', '1e12'],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '-1'],
    ['OTEL_SDK_DISABLED', 'yes'],
  ])('takes the default over %s=%s, and says so', (variable, value) => {
    const { tracing, warnings } = readTracing({ ...at, [variable]: value })
    const usual = readTracing(at).tracing
    const queue = { ...usual?.queue, ...(value === '4096' && { maxBatch: 2048 }) }
    expect(tracing).toEqual({ ...usual, queue })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(variable)
  })

  it('a share that is none counts as all', () => {
    const env = { ...at, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }
    const { tracing, warnings } = readTracing(env)
    expect([tracing?.sampler.ratio, warnings.length]).toEqual([1, 1])
  })

  it('names the service by its own variable, then by the attributes', () => {
    const attributes = { ...at, OTEL_RESOURCE_ATTRIBUTES: 'service.name=one, a%20b = c%3Dd ' }
    expect(readTracing(attributes).tracing?.resource).toEqual({
      'service.name': 'one',
      'a b': 'c=d',
    })
    const named = { ...attributes, OTEL_SERVICE_NAME: 'two' }
    expect(readTracing(named).tracing?.resource['service.name']).toBe('two')
  })
})
