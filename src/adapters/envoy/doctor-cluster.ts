import { error, listed, ok, warn, type Finding } from '../../domain/finding.ts'
import { at, durationMs, list, object, text, type ConfigObject } from './doctor-dump.ts'
import type { AuthzFilter } from './doctor-filter.ts'

/** What Envoy's limits are compared with. */
export interface ServiceLimits {
  readonly deadlineMs: number
  readonly drainMs: number
}

/** Envoy's own default for a check. */
const defaultTimeoutMs = 200
const defaultBaseIntervalMs = 25

/** Looks at how tenantgate is reached: time limits, transport, health checks. */
export function examineWay(
  filters: readonly AuthzFilter[],
  clusters: readonly ConfigObject[],
  limits: ServiceLimits,
): readonly Finding[] {
  const foreign = filters.filter(({ config }) => clusterOf(config) === undefined)
  if (foreign.length > 0) {
    return [
      error('envoy.cluster', 'ext_authz names no cluster by envoy_grpc', {
        why: 'tenantgate speaks gRPC only; with google_grpc neither health checks nor retries to another worker are to be had',
        mend: 'grpc_service: { envoy_grpc: { cluster_name: authz }, timeout: 0.25s }   # and no http_service',
      }),
    ]
  }
  const names = [...new Set(filters.flatMap(({ config }) => clusterOf(config) ?? []))]
  const known = clusters.filter((cluster) => names.includes(text(cluster['name']) ?? ''))
  const missing = names.filter((name) => !known.some((cluster) => cluster['name'] === name))
  if (missing.length > 0) {
    return [
      error('envoy.cluster', `there is no cluster ${missing.join(', ')}`, {
        why: 'every check fails, and every request is refused (or passes, with failure_mode_allow)',
        mend: '# add the cluster authz of envoy/envoy.yaml',
      }),
    ]
  }
  return [
    transport(known),
    timeLimit(filters, limits),
    ...known.map((cluster) => health(cluster, limits)),
  ]
}

function clusterOf(filter: ConfigObject): string | undefined {
  return text(at(filter, 'grpc_service', 'envoy_grpc', 'cluster_name'))
}

function transport(clusters: readonly ConfigObject[]): Finding {
  const name = 'envoy.cluster'
  const plain = clusters.filter((cluster) => !speaksHttp2(cluster))
  const names = (all: readonly ConfigObject[]): string =>
    listed(all.map((one) => String(one['name'])))
  if (plain.length === 0) return ok(name, `${names(clusters)} speaks HTTP/2`)
  return error(name, `${names(plain)} speaks HTTP/1.1`, {
    why: 'gRPC needs HTTP/2: every check fails',
    mend: [
      'typed_extension_protocol_options:',
      '  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:',
      "    '@type': type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      '    explicit_http_config: { http2_protocol_options: {} }',
    ].join('\n'),
  })
}

function speaksHttp2(cluster: ConfigObject): boolean {
  if (cluster['http2_protocol_options'] !== undefined) return true
  return Object.values(object(cluster['typed_extension_protocol_options'])).some(
    (options) =>
      at(options, 'explicit_http_config', 'http2_protocol_options') !== undefined ||
      at(options, 'use_downstream_protocol_config', 'http2_protocol_options') !== undefined ||
      at(options, 'auto_config', 'http2_protocol_options') !== undefined,
  )
}

/** How long one try of a check may take: `max_interval` of the back-off limits it too (measured). */
export function tryMs(filter: ConfigObject): number {
  const service = object(filter['grpc_service'])
  const whole = durationMs(service['timeout']) ?? defaultTimeoutMs
  const backOff = at(service, 'retry_policy', 'retry_back_off')
  if (backOff === undefined) return whole
  const base = durationMs(at(backOff, 'base_interval')) ?? defaultBaseIntervalMs
  return Math.min(whole, durationMs(at(backOff, 'max_interval')) ?? base * 10)
}

function timeLimit(filters: readonly AuthzFilter[], { deadlineMs }: ServiceLimits): Finding {
  const name = 'envoy.timeout'
  const least = Math.min(...filters.map(({ config }) => tryMs(config)))
  if (least > deadlineMs) return ok(name, `${least} ms a try, above TENANTGATE_DEADLINE`)
  return error(name, `Envoy gives a try up after ${least} ms, tenantgate after ${deadlineMs} ms`, {
    why: 'Envoy asks again, or answers by itself, while tenantgate still decides: its own 503 with a reason never arrives. Of a retry_policy, retry_back_off.max_interval (by default 10 times base_interval) limits each try too',
    mend: `TENANTGATE_DEADLINE=${Math.max(10, Math.floor(least * 0.8))}ms   # or in Envoy: timeout: 0.25s, retry_back_off: { base_interval: 0.005s, max_interval: 0.120s }`,
  })
}

function health(cluster: ConfigObject, { drainMs }: ServiceLimits): Finding {
  const name = 'envoy.health_checks'
  const checks = list(cluster['health_checks']).map(object)
  const grpc = checks.find((check) => check['grpc_health_check'] !== undefined)
  if (grpc === undefined) {
    return warn(name, `no gRPC health check of ${String(cluster['name'])}`, {
      why: 'a worker that stops, or never got ready, is still asked: measured, requests fail until it is ejected',
      mend: 'health_checks: [{ timeout: 0.5s, interval: 2s, no_traffic_interval: 2s, unhealthy_threshold: 2, healthy_threshold: 1, grpc_health_check: {} }]',
    })
  }
  const interval = durationMs(grpc['interval']) ?? 0
  const noticed =
    interval * Number(grpc['unhealthy_threshold'] ?? 1) + (durationMs(grpc['timeout']) ?? 0)
  if (noticed <= drainMs) return ok(name, `a worker that stops is noticed within ${noticed} ms`)
  return warn(
    name,
    `a worker that stops is noticed after ${noticed} ms, but gone after ${drainMs}`,
    {
      why: 'requests are sent to it in between, and fail at each rolling restart',
      mend: `TENANTGATE_DRAIN=${Math.ceil(noticed / 1_000)}s   # or interval: 2s, unhealthy_threshold: 2, timeout: 0.5s`,
    },
  )
}
