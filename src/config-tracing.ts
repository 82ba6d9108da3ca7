import type { SamplerOptions, TracingOptions } from './adapters/opentelemetry/options.ts'
import { splitList, type Environment } from './config-values.ts'

/** Told of a variable that is not heeded, and what follows. */
type Warn = (message: string) => void

/** The variables that name a collector; each of them switches tracing on. */
const endpoints = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const

const samplers: Readonly<Record<string, Pick<SamplerOptions, 'kind' | 'parentBased'>>> = {
  always_on: { kind: 'always_on', parentBased: false },
  always_off: { kind: 'always_off', parentBased: false },
  traceidratio: { kind: 'traceidratio', parentBased: false },
  parentbased_always_on: { kind: 'always_on', parentBased: true },
  parentbased_always_off: { kind: 'always_off', parentBased: true },
  parentbased_traceidratio: { kind: 'traceidratio', parentBased: true },
}

/**
 * Reads OpenTelemetry's own variables (its SDK environment specification). Tracing is off unless
 * they ask for it, and a fault in them is a warning: it must not keep the service from starting.
 */
export function readTracing(env: Environment): {
  readonly tracing: TracingOptions | undefined
  readonly warnings: readonly string[]
} {
  const warnings: string[] = []
  const warn: Warn = (message) => void warnings.push(message)
  const tracing = isAskedFor(env, warn) ? readOptions(env, warn) : undefined
  return { tracing, warnings }
}

function isAskedFor(env: Environment, warn: Warn): boolean {
  const disabled = text(env, 'OTEL_SDK_DISABLED')?.toLowerCase()
  if (disabled === 'true') return false
  if (disabled !== undefined && disabled !== 'false') {
    warn('OTEL_SDK_DISABLED is neither true nor false: it counts as false')
  }
  const named = splitList(env['OTEL_TRACES_EXPORTER'] ?? '')
  const others = named.filter((one) => one !== 'otlp' && one !== 'none')
  if (others.length > 0) {
    warn(`OTEL_TRACES_EXPORTER: "${others.join(',')}" is not supported: set it to otlp or none`)
  }
  const endpoint = endpoints.find((variable) => text(env, variable) !== undefined)
  const asked = named.length === 0 ? endpoint !== undefined : named.includes('otlp')
  return asked && canBeReached(env, endpoint, warn)
}

/** The values are not repeated: a URL may hold a password. */
function canBeReached(env: Environment, endpoint: string | undefined, warn: Warn): boolean {
  const protocol =
    text(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? text(env, 'OTEL_EXPORTER_OTLP_PROTOCOL')
  if (protocol !== undefined && protocol !== 'http/protobuf') {
    warn('OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is supported: checks are not traced')
    return false
  }
  const url = endpoint === undefined ? undefined : URL.parse(text(env, endpoint) ?? '')
  if (endpoint !== undefined && url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    warn(`${endpoint} is not a URL that starts with http:// or https://: checks are not traced`)
    return false
  }
  return true
}

function readOptions(env: Environment, warn: Warn): TracingOptions {
  for (const name of ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT']) {
    readCount(env, name, { fallback: 0, least: 1, warn })
  }
  const maxSpans = readCount(env, 'OTEL_BSP_MAX_QUEUE_SIZE', { fallback: 2_048, least: 1, warn })
  const maxBatch = readCount(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', {
    ...{ fallback: 512, least: 1, warn },
  })
  if (maxBatch > maxSpans) {
    warn('OTEL_BSP_MAX_EXPORT_BATCH_SIZE is above OTEL_BSP_MAX_QUEUE_SIZE, which counts instead')
  }
  return {
    sampler: readSampler(env, warn),
    resource: readResource(env, warn),
    queue: {
      maxSpans,
      maxBatch: Math.min(maxBatch, maxSpans),
      delayMs: readCount(env, 'OTEL_BSP_SCHEDULE_DELAY', { fallback: 5_000, least: 0, warn }),
      timeoutMs: readCount(env, 'OTEL_BSP_EXPORT_TIMEOUT', { fallback: 30_000, least: 1, warn }),
    },
  }
}

function readSampler(env: Environment, warn: Warn): SamplerOptions {
  const name = text(env, 'OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on'
  const known = Object.hasOwn(samplers, name) ? samplers[name] : undefined
  if (known === undefined) {
    warn(`OTEL_TRACES_SAMPLER: "${name}" is not known: parentbased_always_on counts instead`)
    return { kind: 'always_on', parentBased: true, ratio: 1 }
  }
  const share = text(env, 'OTEL_TRACES_SAMPLER_ARG')
  if (known.kind !== 'traceidratio' || share === undefined) return { ...known, ratio: 1 }
  const ratio = Number(share)
  if (ratio >= 0 && ratio <= 1) return { ...known, ratio }
  warn('OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1: it counts as 1')
  return { ...known, ratio: 1 }
}

/** `OTEL_SERVICE_NAME` comes before a `service.name` among the attributes. */
function readResource(env: Environment, warn: Warn): TracingOptions['resource'] {
  const attributes: Record<string, string> = { 'service.name': 'tenantgate' }
  try {
    for (const pair of splitList(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '')) {
      const [key = '', value, ...rest] = pair.split('=').map((part) => decodeURIComponent(part))
      if (key.trim() === '' || value === undefined || rest.length > 0) throw new Error(pair)
      attributes[key.trim()] = value.trim()
    }
  } catch {
    // One fault discards them all (resource specification).
    warn('OTEL_RESOURCE_ATTRIBUTES is not key=value,key=value with percent encoding: it is ignored')
    return { 'service.name': text(env, 'OTEL_SERVICE_NAME') ?? 'tenantgate' }
  }
  const name = text(env, 'OTEL_SERVICE_NAME')
  return { ...attributes, ...(name !== undefined && { 'service.name': name }) }
}

/** A whole number of this size at least. */
function readCount(
  env: Environment,
  variable: string,
  { fallback, least, warn }: { fallback: number; least: number; warn: Warn },
): number {
  const value = text(env, variable)
  if (value === undefined) return fallback
  const count = Number(value)
  if (Number.isSafeInteger(count) && count >= least && count < 2 ** 31) return count
  warn(`${variable} is not a whole number from ${least} on: it is ignored`)
  return fallback
}

function text(env: Environment, variable: string): string | undefined {
  const value = env[variable]?.trim()
  return value === '' ? undefined : value
}
