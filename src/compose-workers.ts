import { createStartProcess } from './adapters/processes/start-process.ts'
import { followPolicyFile } from './adapters/files/policy-file.ts'
import { createMetrics } from './adapters/prometheus/metrics.ts'
import { createPooledMetrics } from './adapters/prometheus/pooled-metrics.ts'
import { messageOf } from './application/faults.ts'
import { createPolicyHistory } from './application/policy-history.ts'
import { createPolicyRollout } from './application/policy-rollout.ts'
import type { ComponentState } from './application/readiness.ts'
import { createWorkerPool } from './application/worker-pool.ts'
import { composeFaults } from './compose-faults.ts'
import { composeRelayLog } from './compose-relay-log.ts'
import { composeRuntime } from './compose-runtime.ts'
import type { Config } from './config.ts'
import { workerListen } from './config-workers.ts'
import { createTimestamp } from './iso-timestamp.ts'
import type { Service, ServiceDeps } from './service.ts'
import { version } from './version.ts'
import type { WorkerStart } from './worker-start.ts'

/** A service whose checks other processes answer. */
export interface WorkersService extends Service {
  /** Of each worker, in their order. */
  readonly workerAddresses: readonly string[]
  /** Replaces the workers one after another; rejects where one of them does not get ready. */
  readonly replaceWorkers: () => Promise<void>
}

type Closers = (() => void | Promise<void>)[]

/** Source files run as they are, built ones as JavaScript: the worker's file ends like this one. */
const entry = new URL(`./check-worker${import.meta.url.slice(-3)}`, import.meta.url)
/** Time for a worker to end in good order beyond its deadline: its last lines and spans, in ms. */
const lastWorkMs = 8_000
const maxLoggedFaults = 20

/**
 * Starts a supervisor: it answers no checks, but starts the processes that do, and has all that there
 * is one of, the policy's file, the HTTP port and the decision log. Where a part cannot start, those
 * that did are closed again.
 */
export async function startWorkers(config: Config, deps: ServiceDeps): Promise<WorkersService> {
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

async function compose(
  config: Config,
  deps: ServiceDeps,
  closers: Closers,
): Promise<Omit<WorkersService, 'close'>> {
  const { log } = deps
  const now = (): number => Date.now()
  const monotonicNow = (): number => performance.now()
  const timestamp = createTimestamp()
  const metrics = createMetrics()
  closers.push(metrics.close)
  const onFault = composeFaults({ log, metrics, monotonicNow })
  const status = { draining: false, begun: false, logBroken: false }
  let policyFile: ComponentState = { status: 'ok' }

  const relay = composeRelayLog({
    ...{ config, metrics, log, onFault, timestamp, now },
    onBroken(broken) {
      status.logBroken = broken
      pool.tellAll({ type: 'log', broken })
    },
  })
  if (relay !== undefined) closers.push(relay.close)
  // Lines that a worker gave away are written once the supervisor has written them.
  const pooled = createPooledMetrics(relay && ['tenantgate_decision_log_lines_total'])
  const policies = createPolicyHistory(() => timestamp(now()))

  const pool = createWorkerPool<WorkerStart>({
    count: config.workers,
    startProcess: createStartProcess({
      entry,
      output: relay && ((_index, lines) => relay.take(lines)),
      onFault: onFault('worker'),
    }),
    startOf: (index, address) => ({
      ...{ version, index },
      config: configOf(config, index, address),
      logBroken: status.logBroken,
      policy: { version: rollout.inForce().policy.version, text: rollout.inForce().text },
    }),
    schedule(task, afterMs) {
      const timer = setTimeout(task, afterMs)
      return { cancel: () => clearTimeout(timer) }
    },
    monotonicNow,
    drainMs: config.drainMs,
    stopMs: config.deadlineMs + lastWorkMs,
    onDied({ againInMs, how, index }) {
      metrics.fault('worker')
      log.error({ worker: index, how, againInMs }, 'a worker has ended; it is started again')
    },
    onFarewell: pooled.told,
    onEnded: pooled.ended,
    onReady() {
      status.begun = true
      log.info({ workers: config.workers }, 'all workers are ready')
    },
  })
  const rollout = createPolicyRollout(
    { policy: deps.policy, text: deps.policyText },
    {
      load: deps.loadPolicy,
      workers: pool.workers,
      onLoaded(policy) {
        metrics.policyLoaded(policy.version)
        relay?.policy(policy.version, policy.definition)
        policies.loaded(policy)
        policyFile = { status: 'ok', detail: policy.version }
        log.info({ policy: policy.version }, 'policy loaded')
      },
      onReloadFailed(faults) {
        refusePolicy('the last good policy is in force')
        log.error(
          { faults: faults.slice(0, maxLoggedFaults), count: faults.length },
          'the policy file does not load: the last good policy stays in force',
        )
      },
      onRefused(workers) {
        refusePolicy('workers cannot load the new policy')
        log.error(
          { workers },
          'workers cannot load the policy: the last good policy stays in force',
        )
      },
    },
  )

  function refusePolicy(detail: string): void {
    metrics.policyReloadFailed()
    policyFile = { status: 'degraded', detail }
  }

  closers.push(pool.stop)
  const starting = pool.start()
  starting.catch(() => undefined) // told below
  // Loaded while the workers start: neither must delay the first check.
  await composeRuntime(metrics)
  const { composeWorkersFront } = await import('./compose-workers-front.ts')
  const workerAddresses = await starting
  const file = followPolicyFile({
    file: config.policy,
    text: deps.policyText,
    onChange: rollout.reload,
    onUnreadable(cause) {
      refusePolicy('the policy file cannot be read')
      log.error({ cause: messageOf(cause) }, 'the policy file cannot be read')
    },
  })
  closers.push(file.close)
  const http = await composeWorkersFront({
    ...{ closers, config, log, metrics, monotonicNow, now, onFault, policies, pool, pooled },
    policy: () => rollout.inForce().policy,
    relay,
    status: () => ({ ...status, policy: policyFile, version: rollout.inForce().policy.version }),
  })

  return {
    workerAddresses,
    grpcAddress: workerAddresses[0] ?? '',
    httpAddress: http.address,
    reopenLog: () => relay?.reopen(),
    replaceWorkers: pool.replaceAll,
    drain() {
      status.draining = true
      pool.drain()
    },
  }
}

/** A worker's configuration: its own address, its share of memory, and lines that are handed on. */
function configOf(config: Config, index: number, address: string | undefined): Config {
  const { adminDecisions, decisionLog, grpcListen, workers } = config
  const publishes = decisionLog === 'off' || decisionLog.startsWith('nats:')
  return {
    ...config,
    grpcListen: address ?? workerListen(grpcListen, index),
    adminDecisions: Math.ceil(adminDecisions / workers),
    decisionLog: publishes ? decisionLog : 'stdout',
    decisionLogMaxBytes: undefined,
  }
}
