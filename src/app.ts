import { randomInt } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createCheckHandler } from './adapters/envoy/check-handler.ts'
import { lookAtPart } from './adapters/envoy/subject-part.ts'
import { followPolicyFile } from './adapters/files/policy-file.ts'
import { createMetrics } from './adapters/prometheus/metrics.ts'
import { createBurst } from './application/burst.ts'
import { createCheck } from './application/check.ts'
import { messageOf } from './application/faults.ts'
import { LookAhead } from './application/look-ahead.ts'
import { observeCheck } from './application/observe-check.ts'
import { createPolicyStore } from './application/policy-store.ts'
import { createReadiness } from './application/readiness.ts'
import { createRefuseCheck } from './application/refuse-check.ts'
import { createBatchClock } from './batch-clock.ts'
import type { Config } from './config.ts'
import { bytesOfToken } from './config-memory.ts'
import type { Facts } from './application/facts.ts'
import { createTokenMemory } from './application/token-memory.ts'
import { createBoundedMap } from './adapters/lru/bounded-map.ts'
import { composeAssertions } from './compose-assertions.ts'
import { composeDatabase } from './compose-database.ts'
import { composeDatabaseWatch } from './compose-database-watch.ts'
import { composeDecisions } from './compose-decisions.ts'
import { composeFacts } from './compose-facts.ts'
import { composeFaults } from './compose-faults.ts'
import { composeGrpc } from './compose-grpc.ts'
import { composeLog } from './compose-log.ts'
import { composeRuntime } from './compose-runtime.ts'
import { composeTokens } from './compose-tokens.ts'
import { composeTracing } from './compose-tracing.ts'
import { createFirstCalm } from './first-calm.ts'
import { createTimestamp } from './iso-timestamp.ts'
import type { Service, ServiceDeps } from './service.ts'
import { createUuidV7 } from './uuid-v7.ts'
import type { FrontComposition, WorkerRole } from './worker-role.ts'

const maxMessageBytes = 1024 * 1024
const maxInFlight = 10_000
/** Faults of a policy file that one line of the log names. */
const maxLoggedFaults = 20

type Closers = (() => void | Promise<void>)[]

/**
 * Starts the service, or one of its processes. Where a part of it cannot start, those that did are
 * closed again.
 */
export async function startService(
  config: Config,
  deps: ServiceDeps,
  worker?: WorkerRole,
): Promise<Service> {
  const closers: Closers = []
  const close = async (): Promise<void> => {
    for (const closePart of closers.splice(0).reverse()) await closePart()
  }
  try {
    return { ...(await compose(config, { ...deps, worker }, closers)), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Puts the service together: the one place that names adapters. */
async function compose(
  config: Config,
  deps: ServiceDeps & { readonly worker: WorkerRole | undefined },
  closers: Closers,
): Promise<Omit<Service, 'close'>> {
  const { checkDatabase = composeDatabase(config), log, worker } = deps
  closers.push(checkDatabase.database.close)
  const now = (): number => Date.now()
  const monotonicNow = (): number => performance.now()
  const timestamp = createTimestamp()
  const batchClock = createBatchClock()
  const metrics = createMetrics()
  closers.push(metrics.close)
  const onFault = composeFaults({ log, metrics, monotonicNow })

  const lines = await composeLog({ config, metrics, log, onFault, timestamp, now })
  const sink = worker?.handOn(lines, metrics.logDropped) ?? lines
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
  const file = (worker?.followPolicy ?? followPolicyFile)({
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

  const { database, schema, tellFaults } = checkDatabase
  tellFaults(onFault('postgres'))
  metrics.watchStatements('checks', database.usage)
  const { ahead, connect, facts } = composeFacts({
    ...{ config, database, schema, policy: policies.current },
    ...{ metrics, readiness, log, onFault, closers },
  })
  const identities = createTokenMemory({
    createMap: createBoundedMap,
    maxEntries: config.maxSubjects,
    maxBytes: config.maxSubjects * bytesOfToken,
    seed: randomInt(2 ** 32),
  })
  metrics.watchTokens(identities.usage)

  const tokens = composeTokens({
    ...{ config, database, schema, monotonicNow, onFault, closers },
    onChanged: identities.clear,
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
    batch: batchClock.now,
    onFault: onFault('check'),
  })
  const { assertion, tracing } = config
  const assertions = composeAssertions(assertion, now, onFault('assertion'))
  const tracer = await composeTracing({ tracing, metrics, log, onFault, closers })
  const naming = { worker: worker?.index ?? 0, now, timestamp, newId: createUuidV7() }
  const observing = { ...naming, log: decisionLog, metrics }
  const observed = observeCheck(check, {
    ...observing,
    tracer,
    assert: assertions?.assert,
    loggedAllows: config.loggedAllows,
    logRequired: config.logRequired,
    monotonicNow,
    batch: { clock: batchClock.now, maxMs: config.deadlineMs },
    random: Math.random,
  })

  const calm = createFirstCalm()
  const burst = createBurst()
  const handler = createCheckHandler({
    check: observed,
    refuse: createRefuseCheck({
      ...observing,
      policy: policies.current,
      onFault: onFault('check'),
    }),
    tenantHeaders: () => policies.current().tenantHeaders,
    recognise: identities.recognise,
    ...{ burst, batchClock },
    lookAhead: new LookAhead({ identities, facts: { ahead }, prepared: lookAtPart }),
    ...{ deadlineMs: config.deadlineMs, maxMessageBytes, maxInFlight, monotonicNow },
    onFault: onFault('grpc'),
    onWaiting(checks) {
      metrics.checksWaiting(checks)
      calm.checksWaiting(checks)
    },
  })
  const grpc = await composeGrpc(config.grpcTransport, {
    listen: config.grpcListen,
    tls: config.grpcTls,
    ...{ handler, burst, deadlineMs: config.deadlineMs, maxMessageBytes, now, monotonicNow },
    onFault: onFault('grpc'),
  })
  closers.push(grpc.close)
  const watch = composeDatabaseWatch({
    ...{ database, schema, readiness, log },
    onChange: calm.databaseTold,
  })
  closers.push(watch.close)

  await calm.come() // what loads from here on must not delay the first check
  await connect()
  await nextTurn()
  await composeRuntime(metrics)
  await nextTurn()
  const http = await composeFront({
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

  async function composeFront(parts: FrontComposition): Promise<{ readonly address: string }> {
    if (worker !== undefined) return worker.composeFront(parts)
    const { composeHttp } = await import('./compose-http.ts')
    await nextTurn()
    return composeHttp(parts)
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
