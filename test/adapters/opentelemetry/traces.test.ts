import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { examplePolicy } from '../../../src/demo/stack.ts'
import { startTenantgate, type TenantgateProcess } from '../../../src/demo/tenantgate-process.ts'
import {
  authorizationClient,
  httpRequestBytes,
  type Answer,
} from '../../support/authorization-client.ts'
import { testFolder } from '../../support/folder.ts'
import { secret, tokenOf } from '../../support/instance.ts'
import {
  startOtlpCollector,
  type CollectedSpan,
  type OtlpCollector,
} from '../../support/otlp-collector.ts'
import { until } from '../../support/poll.ts'
import { parseExposition } from '../../support/prometheus-text.ts'

const closers: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function collector(): Promise<OtlpCollector> {
  const started = await startOtlpCollector()
  closers.push(started.close)
  return started
}

interface Traced {
  readonly process: TenantgateProcess
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Answer>
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
}

/** An instance without its database: what needs facts is `unavailable`, the rest is decided. */
async function serve(env: Readonly<Record<string, string>>): Promise<Traced> {
  const process = await startTenantgate({
    TENANTGATE_POLICY: examplePolicy,
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    BETTER_AUTH_SECRET: secret,
    OTEL_BSP_SCHEDULE_DELAY: '50',
    ...env,
  })
  closers.push(process.close)
  const client = authorizationClient(process.grpcAddress)
  closers.push(client.close)
  return {
    process,
    get: (path, headers = {}) =>
      client.check(httpRequestBytes({ method: 'GET', path, host: 'api.example.com', headers })),
    async metric(name, labels) {
      const text = await (await fetch(`http://${process.httpAddress}/metrics`)).text()
      return parseExposition(text).value(name, labels) ?? 0
    },
  }
}

const hex = (bytes: number): string => randomBytes(bytes).toString('hex')
const spansOf = (from: OtlpCollector, count: number): Promise<readonly CollectedSpan[]> =>
  until(() => from.spans().length >= count && from.spans(), { what: `${count} spans` })
const leave = '/api/v1/organizations/o1/leave'

describe('a traced check', () => {
  it('is a span of its caller, with what was decided and nothing of who asked', async () => {
    const otlp = await collector()
    const folder = testFolder()
    const { get } = await serve({
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=k1',
      OTEL_SERVICE_NAME: 'gate',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test%20one',
      TENANTGATE_DECISION_LOG: join(folder, 'log'),
    })
    const [traceId, parentId] = [hex(16), hex(8)]
    const token = tokenOf({ user: 'u1', organization: 'o1' })
    const answer = await get(`${leave}?password=hunter2`, {
      authorization: `Bearer ${token}`,
      cookie: 'session=oatmeal',
      traceparent: `00-${traceId}-${parentId}-01`,
      tracestate: 'vendor=here',
    })
    const [span] = await spansOf(otlp, 1)
    const decisionId = answer.headers.find(([name]) => name === 'x-authz-decision-id')?.[1]
    expect(span).toMatchObject({
      traceId,
      parentSpanId: parentId,
      traceState: 'vendor=here',
      name: 'envoy.service.auth.v3.Authorization/Check',
      kind: 2,
      attributes: {
        'rpc.system.name': 'grpc',
        'rpc.method': 'envoy.service.auth.v3.Authorization/Check',
        'http.request.method': 'GET',
        'http.route': '/api/v1/organizations/{organizationId}/leave',
        'tenantgate.decision': 'deny',
        'tenantgate.reason': 'unavailable',
        'tenantgate.route': 'leave.list',
        'tenantgate.mode': 'enforce',
        'tenantgate.decision_id': decisionId,
      },
      status: { code: 2 },
    })
    expect(span?.attributes['tenantgate.policy']).toMatch(/^sha256:[0-9a-f]{16}$/)
    expect(Object.keys(span?.attributes ?? {})).toHaveLength(10)
    expect(span?.resource).toMatchObject({
      'service.name': 'gate',
      'deployment.environment.name': 'test one',
    })
    expect(otlp.headers()[0]).toMatchObject({ 'x-collector-key': 'k1' })
    // The whole of what was sent, not only what this test knows to read.
    for (const told of [token, 'hunter2', 'password', 'oatmeal', 'u1', '/o1/', secret]) {
      expect(otlp.bytes()).not.toContain(told)
    }
    const line = await until(
      () =>
        readFileSync(join(folder, 'log'), 'utf8')
          .split('\n')
          .find((one) => one.includes('"type":"decision"')),
      { what: 'the line of the decision' },
    )
    expect(JSON.parse(line)).toMatchObject({
      decision_id: decisionId,
      trace_id: traceId,
      span_id: span?.spanId,
    })
  })

  it('is an error only where nothing could be decided', async () => {
    const otlp = await collector()
    const { get } = await serve({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${otlp.url}/v1/traces` })
    for (const path of ['/healthz', leave, '/nowhere']) await get(path)
    const told = (await spansOf(otlp, 3)).map(({ attributes, parentSpanId, status }) => [
      ...['decision', 'reason', 'route'].map((name) => attributes[`tenantgate.${name}`]),
      ...[status.code, parentSpanId],
    ])
    expect(told).toEqual([
      ['allow', 'granted', 'health', 0, ''],
      ['deny', 'missing_credential', 'leave.list', 0, ''],
      ['deny', 'no_route', undefined, 0, ''],
    ])
    expect(otlp.spans()[0]?.resource['service.name']).toBe('tenantgate')
  })

  it('is left out where its caller does not keep the trace', async () => {
    const otlp = await collector()
    const { get } = await serve({ OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url })
    const kept = hex(16)
    for (let i = 0; i < 20; i += 1) {
      await get('/healthz', { traceparent: `00-${hex(16)}-${hex(8)}-00` })
    }
    await get('/healthz', { traceparent: `00-${kept}-${hex(8)}-01` })
    await spansOf(otlp, 1)
    expect(otlp.spans().map(({ traceId }) => traceId)).toEqual([kept])
  })

  it('begins a trace of its own over a traceparent that does not hold', async () => {
    const otlp = await collector()
    const { get } = await serve({ OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url })
    const good = `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01`
    const bad = ['garbage', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`, `${good},${good}`]
    for (const traceparent of bad) await get('/healthz', { traceparent })
    for (const span of await spansOf(otlp, bad.length)) {
      expect(span.parentSpanId).toBe('')
      expect(span.traceId).not.toMatch(/^[01]+$/)
    }
  })

  it('is kept in the share that is asked for', async () => {
    const otlp = await collector()
    const { get, metric } = await serve({
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
    })
    for (let i = 0; i < 200; i += 1) await get('/healthz')
    const settled = async (): Promise<boolean> =>
      (await metric('tenantgate_trace_spans_waiting')) === 0 &&
      (await metric('tenantgate_trace_spans_total', { outcome: 'exported' })) ===
        otlp.spans().length
    await until(async () => otlp.spans().length > 0 && settled(), { what: 'all spans' })
    expect(otlp.spans().length).toBeGreaterThan(50)
    expect(otlp.spans().length).toBeLessThan(150)
  })
})

describe('a collector that fails', () => {
  it.each<[string, boolean, (otlp: OtlpCollector) => void | Promise<void>]>([
    ['is down', false, (otlp) => otlp.close()],
    ['refuses', false, (otlp) => otlp.answer(400)],
    ['never answers', true, (otlp) => otlp.answer('never')],
  ])(
    'delays no check where it %s; what it does not take is counted',
    async (_name, waits, fail) => {
      const otlp = await startOtlpCollector()
      closers.push(() => otlp.close().catch(() => undefined))
      const { get, metric } = await serve({
        OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
        OTEL_EXPORTER_OTLP_TIMEOUT: '300',
        OTEL_BSP_MAX_QUEUE_SIZE: '10',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '5',
        TENANTGATE_DECISION_LOG: 'off',
      })
      await get('/healthz')
      await spansOf(otlp, 1)
      await fail(otlp)
      let slowest = 0
      for (let i = 0; i < 500; i += 1) {
        const begun = performance.now()
        expect((await get('/healthz')).code).toBe(0)
        slowest = Math.max(slowest, performance.now() - begun)
      }
      expect(slowest).toBeLessThan(250)
      const outcome = (which: string) => metric('tenantgate_trace_spans_total', { outcome: which })
      await until(async () => (await outcome('failed')) > 0, { what: 'spans that failed' })
      expect(await metric('tenantgate_trace_spans_waiting')).toBeLessThanOrEqual(10)
      expect(await metric('tenantgate_faults_total', { kind: 'traces' })).toBeGreaterThan(0)
      const lost = async () => (await outcome('failed')) + (await outcome('dropped'))
      await until(async () => (await lost()) === 500, { what: 'every span accounted for' })
      if (waits) expect(await outcome('dropped')).toBeGreaterThan(400)
    },
  )

  it('does not keep the service from ending', async () => {
    const otlp = await collector()
    otlp.answer('never')
    const { get, process } = await serve({ OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url })
    await get('/healthz')
    const begun = performance.now()
    process.signal('SIGTERM')
    expect(await process.ended).toBe('exited with status 0')
    expect(performance.now() - begun).toBeLessThan(5_000)
  })

  it('gets what still waits when the service ends', async () => {
    const otlp = await collector()
    const { get, process } = await serve({
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
      OTEL_BSP_SCHEDULE_DELAY: '60000',
    })
    for (let i = 0; i < 5; i += 1) await get('/healthz')
    expect(otlp.spans()).toHaveLength(0)
    process.signal('SIGTERM')
    await process.ended
    expect(otlp.spans()).toHaveLength(5)
  })
})

describe('without tracing', () => {
  /** Writes down every module of OpenTelemetry that a process loads. */
  const hook = `data:text/javascript,${encodeURIComponent(`
    import { registerHooks } from 'node:module'
    import { appendFileSync } from 'node:fs'
    registerHooks({ load(url, context, next) {
      if (url.includes('opentelemetry')) appendFileSync(process.env.LOADED, url + '\\n')
      return next(url, context)
    } })`)}`

  it.each<[string, Readonly<Record<string, string>>, boolean]>([
    ['no variable', {}, false],
    ['OTEL_SDK_DISABLED', { OTEL_SDK_DISABLED: 'true', at: '' }, false],
    ['OTEL_TRACES_EXPORTER=none', { OTEL_TRACES_EXPORTER: 'none', at: '' }, false],
    ['a collector', { at: '' }, true],
    ['OTEL_TRACES_EXPORTER=otlp alone', { OTEL_TRACES_EXPORTER: 'otlp' }, true],
  ])('with %s, OpenTelemetry is loaded only if it is used', async (_name, given, used) => {
    const loaded = join(testFolder(), 'loaded')
    const { at, ...env } = given
    const { get } = await serve({
      ...env,
      ...(at !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }),
      NODE_OPTIONS: `--import="${hook}"`,
      LOADED: loaded,
    })
    await get('/healthz')
    let modules = ''
    try {
      modules = readFileSync(loaded, 'utf8')
    } catch {
      // Nothing was written down.
    }
    expect(modules.includes('@opentelemetry/sdk-trace')).toBe(used)
    // prom-client loads the interface by itself; all that does something is not there.
    if (!used) expect(modules).not.toMatch(/@opentelemetry\/(?!api\/)/)
  })

  it('says what is wrong with a variable, and serves all the same', async () => {
    const { get, process } = await serve({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318/hunter2',
      TENANTGATE_DECISION_LOG: 'off',
    })
    expect((await get('/healthz')).code).toBe(0)
    expect(process.log()).toContain('OTEL_EXPORTER_OTLP_ENDPOINT is not a URL')
    expect(process.log()).not.toContain('hunter2')
  })
})
