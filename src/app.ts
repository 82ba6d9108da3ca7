import { randomUUIDv7 } from 'node:crypto'
import { startAuthorizationServer } from './adapters/envoy/server.ts'
import { followPolicyFile } from './adapters/files/policy-file.ts'
import { createSecretKeys } from './adapters/jose/hs256-keys.ts'
import { createJwksUrl } from './adapters/jose/jwks-url.ts'
import { createKeyRing, type KeyRing } from './adapters/jose/key-ring.ts'
import { createTokenVerifier } from './adapters/jose/token-verifier.ts'
import { createJwksTable } from './adapters/postgres/jwks-table.ts'
import { openDatabase } from './adapters/postgres/pool.ts'
import { createSchemaReader } from './adapters/postgres/schema.ts'
import { createMetrics } from './adapters/prometheus/metrics.ts'
import { createCheck } from './application/check.ts'
import { messageOf, publicMessageOf } from './application/faults.ts'
import { observeCheck } from './application/observe-check.ts'
import { createPolicyStore } from './application/policy-store.ts'
import { createReadiness } from './application/readiness.ts'
import { createRefuseCheck } from './application/refuse-check.ts'
import { watchDatabase } from './application/watch-database.ts'
import type { Config } from './config.ts'
import type { Facts } from './application/facts.ts'
import { createTokenMemory } from './application/token-memory.ts'
import { createBoundedMap } from './adapters/lru/bounded-map.ts'
import { composeAssertions } from './compose-assertions.ts'
import { composeDecisions } from './compose-decisions.ts'
import { composeFacts } from './compose-facts.ts'
import { composeFaults } from './compose-faults.ts'
import { composeLog } from './compose-log.ts'
import { composeTracing } from './compose-tracing.ts'
import { createTimestamp } from './iso-timestamp.ts'
import type { Service, ServiceDeps } from './service.ts'

/** Share of the deadline after which PostgreSQL gives a statement up. */
const statementShare = 0.6
const connections = 10
/** Statements that may wait for a connection; they leave when their check gives up. */
const maxWaitingStatements = 1_000
const maxMessageBytes = 1024 * 1024
const maxInFlight = 10_000
/** Verified tokens that are remembered at most. */
const tokenLimits = { maxEntries: 100_000, maxBytes: 128 * 1024 * 1024 }
/** Faults of a policy file that one line of the log names. */
const maxLoggedFaults = 20
const keyRefreshMs = 300_000
const keyCooldownMs = 2_000

type Closers = (() => void | Promise<void>)[]

/** Starts the service. Where a part of it cannot start, those that did are closed again. */
export async function startService(config: Config, deps: ServiceDeps): Promise<Service> {
  const closers: Closers = []
  const close = async (): Promise<void> => {
    for (const closePart of closers.splice(0).reverse()) await closePart()
  }
  try {
    return { ...(await compose(config, deps, closers)), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Puts the service together: the one place that names adapters. */
async function compose(
  config: Config,
  deps: ServiceDeps,
  closers: Closers,
): Promise<Omit<Service, 'close'>> {
  const { log } = deps
  const now = (): number => Date.now()
  const monotonicNow = (): number => performance.now()
  const timestamp = createTimestamp()
  const metrics = createMetrics()
  closers.push(metrics.close)
  const onFault = composeFaults({ log, metrics, monotonicNow })

  const sink = composeLog({ config, metrics, log, onFault, timestamp, now })
  const { decisionLog, ...kept } = composeDecisions(config, sink, () => timestamp(now()))
  closers.push(decisionLog.close)
  metrics.watchLog(decisionLog.usage)

  const readiness = createReadiness(() => {
    grpc.setServing(true)
    log.info({ grpc: grpc.address }, 'ready')
  })
  metrics.watchReadiness(readiness.report)
  const policies = createPolicyStore(deps.policy, {
    load: deps.loadPolicy,
    onLoaded(policy) {
      metrics.policyLoaded(policy.version)
      decisionLog.policy(policy.version, policy.definition)
      kept.policies.loaded(policy)
      readiness.set('policy', { status: 'ok', detail: policy.version })
      log.info({ policy: policy.version }, 'policy loaded')
    },
    onReloadFailed(faults) {
      metrics.policyReloadFailed()
      readiness.set('policy', { status: 'degraded', detail: 'the last good policy is in force' })
      log.error(
        { faults: faults.slice(0, maxLoggedFaults), count: faults.length },
        'the policy file does not load: the last good policy stays in force',
      )
    },
  })
  const file = followPolicyFile({
    file: config.policy,
    text: deps.policyText,
    onChange: policies.reload,
    onUnreadable: (cause) => {
      metrics.policyReloadFailed()
      readiness.set('policy', { status: 'degraded', detail: 'the policy file cannot be read' })
      log.error({ cause: messageOf(cause) }, 'the policy file cannot be read')
    },
  })
  closers.push(file.close)

  const database = openDatabase({
    url: config.databaseUrl,
    statementTimeoutMs: config.deadlineMs * statementShare,
    connections,
    maxWaiting: maxWaitingStatements,
    onFault: onFault('postgres'),
  })
  closers.push(database.close)
  metrics.watchStatements('checks', database.usage)
  const schema = createSchemaReader(database)
  const facts = composeFacts({
    ...{ config, database, schema, policy: policies.current },
    ...{ metrics, readiness, log, onFault, closers },
  })
  const identities = createTokenMemory({ createMap: createBoundedMap, ...tokenLimits })
  metrics.watchTokens(identities.usage)

  const keyRing = createPublicKeys()
  if (keyRing !== undefined) closers.push(keyRing.close)
  const tokens = createTokenVerifier({
    secrets: config.secrets.length === 0 ? undefined : createSecretKeys(config.secrets),
    publicKeys: keyRing,
  })
  const rules = { issuers: config.issuers, audiences: config.audiences }
  const check = createCheck({
    policy: policies.current,
    tokens,
    identities,
    facts: reporting(facts),
    rules,
    claimsMayGrant: config.claims === 'grant',
    now,
    onFault: onFault('check'),
  })
  const { assertion, tracing } = config
  const assertions = composeAssertions(assertion, now, onFault('assertion'))
  const tracer = await composeTracing({ tracing, metrics, log, onFault, closers })
  const naming = { worker: 0, now, timestamp, newId: randomUUIDv7 }
  const observing = { ...naming, log: decisionLog, metrics }
  const observed = observeCheck(check, {
    ...observing,
    tracer,
    assert: assertions?.assert,
    loggedAllows: config.loggedAllows,
    logRequired: config.logRequired,
    monotonicNow,
    random: Math.random,
  })

  const grpc = await startAuthorizationServer({
    listen: config.grpcListen,
    tls: config.grpcTls,
    check: observed,
    refuse: createRefuseCheck({
      ...observing,
      policy: policies.current,
      onFault: onFault('check'),
    }),
    deadlineMs: config.deadlineMs,
    maxMessageBytes,
    maxInFlight,
    now,
    monotonicNow,
    onFault: onFault('grpc'),
    onWaiting: metrics.checksWaiting,
  })
  closers.push(grpc.close)
  const watch = watchDatabase({
    probe: async () => {
      await schema.use(() => database.query({ name: 'tenantgate_probe', text: 'SELECT 1' }))
    },
    schedule(task, afterMs) {
      const timer = setTimeout(task, afterMs)
      return { cancel: () => clearTimeout(timer) }
    },
    onAnswer: readiness.databaseAnswered,
    onFailure: (cause) => readiness.databaseFailed(publicMessageOf(cause)),
    onChange: (answers, cause) =>
      answers
        ? log.info({}, 'PostgreSQL answers')
        : log.warn({ cause: messageOf(cause) }, 'PostgreSQL does not answer'),
  })
  closers.push(watch.close)

  // After the gRPC port answers: loading the HTTP server must not delay the first check.
  const { composeHttp } = await import('./compose-http.ts')
  const http = await composeHttp({
    ...{ config, schema, tokens, rules, facts, metrics, readiness, now, onFault, closers },
    ...{ kept, log, monotonicNow, assertions },
  })

  return {
    grpcAddress: grpc.address,
    httpAddress: http.address,
    reopenLog: decisionLog.reopen,
    drain() {
      readiness.drain()
      grpc.setServing(false)
    },
  }

  function createPublicKeys(): KeyRing | undefined {
    if (config.jwks === undefined) return undefined
    return createKeyRing({
      source:
        config.jwks === 'postgres'
          ? createJwksTable({ database, schema })
          : createJwksUrl(config.jwks),
      refreshMs: keyRefreshMs,
      cooldownMs: keyCooldownMs,
      monotonicNow,
      onRefreshFailed: onFault('jwks'),
      onChanged: identities.clear,
    })
  }

  /** A read that failed asks for a look at the database at once, not at the next round. */
  function reporting(source: Facts): Facts {
    return {
      ...source,
      async ask(pair, freshness, signal) {
        try {
          return await source.ask(pair, freshness, signal)
        } catch (cause) {
          watch.look()
          throw cause
        }
      },
    }
  }
}
