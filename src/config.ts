import type { TlsFiles } from './adapters/envoy/certificates.ts'
import type { TracingOptions } from './adapters/opentelemetry/options.ts'
import { readAssertion, type AssertionConfig } from './config-assertion.ts'
import { readDecisionLog, type DecisionLogConfig } from './config-log.ts'
import { readMemory, type MemoryConfig } from './config-memory.ts'
import { readTracing } from './config-tracing.ts'
import { readWorkers, type WorkersConfig } from './config-workers.ts'
import {
  parseDuration,
  readGrpcListen,
  readHttpListen,
  readSecrets,
  readTls,
  splitList,
  type Environment,
  type ListenAddress,
} from './config-values.ts'

/** What a faulty environment is told: the variable, and how to mend it. */
export interface ConfigFault {
  readonly variable: string
  readonly message: string
}

/** The configuration of `serve`: read once, frozen (contract section 2). Durations are in ms. */
export interface Config extends DecisionLogConfig, MemoryConfig, WorkersConfig {
  readonly policy: string
  readonly grpcListen: string
  readonly grpcTls: TlsFiles | undefined
  readonly httpListen: ListenAddress
  readonly httpTls: TlsFiles | undefined
  /** HS256 secrets, the one in force first. */
  readonly secrets: readonly string[]
  /** A URL, or `postgres` for Better Auth's own table. */
  readonly jwks: string | undefined
  readonly issuers: readonly string[]
  readonly audiences: readonly string[]
  readonly databaseUrl: string
  readonly redisUrl: string | undefined
  readonly natsUrl: string | undefined
  readonly natsStream: string | undefined
  readonly natsPrefix: string | undefined
  readonly cacheKey: string | undefined
  readonly cacheTtlMs: number
  readonly verifyAfterMs: number
  readonly claims: 'grant' | 'deny-only'
  readonly deadlineMs: number
  readonly drainMs: number
  readonly logLevel: string
  /** Each undefined: it is off. */
  readonly assertion: AssertionConfig | undefined
  readonly tracing: TracingOptions | undefined
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
const minCacheKeyLength = 32
const minAgeMs = 100
const streamName = /^[^\s.*>/\\]{1,255}$/
const subjectPrefix = /^[^\s.*>]+(\.[^\s.*>]+)*\.?$/

/** Reads the environment: the configuration, or every fault in it at once. */
export function readConfig(
  env: Environment,
):
  | { readonly config: Config; readonly warnings: readonly string[] }
  | { readonly faults: readonly ConfigFault[] } {
  const faults: ConfigFault[] = []
  const fault = (variable: string, message: string): void => {
    faults.push({ variable, message })
  }
  const text = (variable: string): string | undefined => {
    const value = env[variable]?.trim()
    return value === '' ? undefined : value
  }
  const choice = <T extends string>(variable: string, choices: readonly T[], fallback: T): T => {
    const value = text(variable)
    const found = choices.find((one) => one === value)
    if (value !== undefined && found === undefined) {
      fault(variable, `"${value}" is not ${choices.join(', ')}`)
    }
    return found ?? fallback
  }
  const duration = (variable: string, fallbackMs: number): number => {
    const value = text(variable)
    if (value === undefined) return fallbackMs
    const ms = parseDuration(value)
    if (ms === undefined) fault(variable, `"${value}" is no duration: write 150ms, 5s or 5m`)
    return ms ?? fallbackMs
  }
  const url = (variable: string, protocols: readonly string[]): string | undefined => {
    const value = text(variable)
    if (value === undefined) return undefined
    const known = (part: string): boolean => protocols.includes(URL.parse(part)?.protocol ?? '')
    // The servers of a NATS cluster may be listed.
    const parts = variable === 'NATS_URL' ? value.split(',').map((part) => part.trim()) : [value]
    if (!parts.every(known)) {
      // The value is not repeated: it may hold a password.
      fault(variable, `not a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`)
    }
    return value
  }
  const secrets = readSecrets(env, fault)
  const jwks =
    text('TENANTGATE_JWKS') === 'postgres'
      ? 'postgres'
      : url('TENANTGATE_JWKS', ['http:', 'https:'])
  if (
    jwks !== undefined &&
    (URL.parse(jwks)?.username ?? '') + (URL.parse(jwks)?.password ?? '') !== ''
  ) {
    fault('TENANTGATE_JWKS', 'a JWKS is public: leave the user and the password out of its URL')
  }
  if (secrets.length === 0 && jwks === undefined) {
    fault('BETTER_AUTH_SECRET', 'set it, BETTER_AUTH_SECRETS or TENANTGATE_JWKS: tokens need a key')
  }
  const databaseUrl = url('DATABASE_URL', ['postgres:', 'postgresql:'])
  if (databaseUrl === undefined) {
    fault('DATABASE_URL', "set it to the PostgreSQL database that holds Better Auth's tables")
  }
  const redisUrl = url('REDIS_URL', ['redis:', 'rediss:'])
  const cacheKey = text('TENANTGATE_CACHE_KEY')
  if (cacheKey !== undefined && cacheKey.length < minCacheKeyLength) {
    fault('TENANTGATE_CACHE_KEY', `it has fewer than ${minCacheKeyLength} characters`)
  }
  if (redisUrl !== undefined && secrets.length === 0 && cacheKey === undefined) {
    fault('TENANTGATE_CACHE_KEY', 'needed with REDIS_URL where no BETTER_AUTH_SECRET is set')
  }
  const baseUrl = url('BETTER_AUTH_URL', ['http:', 'https:'])
  const expected = (variable: string): readonly string[] => {
    const value = text(variable)
    if (value !== undefined) {
      const accepted = splitList(value)
      if (accepted.length === 0) fault(variable, 'it names none: unset it to check none')
      return accepted
    }
    // Better Auth puts the origin of its base URL into iss and aud.
    const origin = baseUrl === undefined ? undefined : URL.parse(baseUrl)?.origin
    return origin === undefined ? [] : [...new Set([origin, baseUrl ?? origin])]
  }
  const { tracing, warnings } = readTracing(env)
  const grpcListen = readGrpcListen(text('TENANTGATE_GRPC_LISTEN') ?? '0.0.0.0:9191', fault)
  const httpListen = readHttpListen(text('TENANTGATE_HTTP_LISTEN') ?? '127.0.0.1:9180', fault)
  const config: Config = {
    policy: text('TENANTGATE_POLICY') ?? 'policy.yaml',
    ...readWorkers(env, { grpc: grpcListen, http: httpListen }, fault),
    grpcListen,
    grpcTls: readTls(env, 'TENANTGATE_GRPC_TLS', fault),
    httpListen,
    httpTls: readTls(env, 'TENANTGATE_HTTP_TLS', fault),
    secrets,
    jwks,
    issuers: expected('TENANTGATE_JWT_ISSUER'),
    audiences: expected('TENANTGATE_JWT_AUDIENCE'),
    databaseUrl: databaseUrl ?? '',
    redisUrl,
    natsUrl: url('NATS_URL', ['nats:', 'tls:']),
    natsStream: text('TENANTGATE_NATS_STREAM'),
    natsPrefix: text('TENANTGATE_NATS_PREFIX'),
    cacheKey,
    cacheTtlMs: duration('TENANTGATE_CACHE_TTL', 300_000),
    verifyAfterMs: duration('TENANTGATE_VERIFY_AFTER', 5_000),
    claims: choice('TENANTGATE_CLAIMS', ['grant', 'deny-only'], 'grant'),
    ...readDecisionLog(env, fault),
    ...readMemory(text, fault),
    deadlineMs: duration('TENANTGATE_DEADLINE', 100),
    drainMs: duration('TENANTGATE_DRAIN', 5_000),
    logLevel: choice('TENANTGATE_LOG_LEVEL', logLevels, 'info'),
    assertion: readAssertion(env, secrets, fault),
    tracing,
  }
  if (config.natsStream !== undefined && !streamName.test(config.natsStream)) {
    fault('TENANTGATE_NATS_STREAM', 'a stream name holds no white space, dot, * or >')
  }
  if (config.natsPrefix !== undefined && !subjectPrefix.test(config.natsPrefix)) {
    fault('TENANTGATE_NATS_PREFIX', 'write tokens separated by dots, as app.eu, without * and >')
  }
  if (config.natsUrl === undefined && config.natsStream !== undefined) {
    fault('TENANTGATE_NATS_STREAM', 'set NATS_URL too: a stream is read from a server')
  }
  if (config.verifyAfterMs < minAgeMs) fault('TENANTGATE_VERIFY_AFTER', 'it must be at least 100ms')
  if (config.cacheTtlMs < config.verifyAfterMs) {
    fault('TENANTGATE_CACHE_TTL', 'it must be at least TENANTGATE_VERIFY_AFTER')
  }
  if (config.deadlineMs < 10) fault('TENANTGATE_DEADLINE', 'no check can be made in under 10ms')
  return faults.length > 0
    ? { faults: distinct(faults) }
    : { config: Object.freeze(config), warnings: [...warningsOf(config), ...warnings] }
}

function distinct(faults: readonly ConfigFault[]): readonly ConfigFault[] {
  return faults.filter(
    (fault, index) =>
      faults.findIndex(
        (other) => other.variable === fault.variable && other.message === fault.message,
      ) === index,
  )
}

/** What weakens a configuration that works. */
function warningsOf(config: Config): readonly string[] {
  const warnings: string[] = []
  if (config.issuers.length === 0) {
    warnings.push(
      'the issuer of tokens is not checked: set TENANTGATE_JWT_ISSUER or BETTER_AUTH_URL',
    )
  }
  if (config.audiences.length === 0) {
    warnings.push(
      'the audience of tokens is not checked: set TENANTGATE_JWT_AUDIENCE or BETTER_AUTH_URL',
    )
  }
  if (config.secrets.some((secret) => secret.length < 32)) {
    warnings.push('a secret has fewer than 32 characters: RFC 7518 section 3.2 asks for 256 bits')
  }
  if (config.redisUrl === undefined) {
    warnings.push(
      'REDIS_URL is not set: after a start, each subject is read from PostgreSQL once, and other services find no perm: keys',
    )
  }
  if (config.natsUrl === undefined) {
    warnings.push(
      'NATS_URL is not set: changes are found by verification alone, and while PostgreSQL is down facts grant for TENANTGATE_VERIFY_AFTER only',
    )
  }
  return warnings
}
