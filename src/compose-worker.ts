import { startService } from './app.ts'
import {
  createWorkerAnswers,
  type WorkerAnswer,
  type WorkerParts,
} from './compose-worker-answers.ts'
import { createLoadPolicyOnce } from './application/load-policy-once.ts'
import type { LoadPolicy } from './application/load-policy.ts'
import type { News, Order } from './application/worker-talk.ts'
import { AppError } from './domain/errors.ts'
import type { DecisionLogSink } from './ports/decision-log.ts'
import type { Service, ServiceLog } from './service.ts'
import type { WorkerRole } from './worker-role.ts'
import type { WorkerStart } from './worker-start.ts'

/** A worker, as its process sees it. */
export interface Worker {
  readonly begin: (start: WorkerStart, log: ServiceLog) => Promise<void>
  readonly obey: (order: Exclude<Order<never>, { readonly type: 'start' }>) => void
  /** Its supervisor has ended: nobody tells it of a policy any more, so it must not go on for long. */
  readonly abandon: () => void
}

/** What a worker rests on. */
export interface WorkerDeps {
  readonly tell: (news: News) => Promise<void>
  readonly loadPolicy: LoadPolicy
  readonly exit: (status: number) => void
}

/** How long a worker without supervisor still answers, so that gateways see it leave, in ms. */
const abandonedMs = 1_000
const abandonedAtMostMs = 5_000

interface Running {
  readonly service: Service
  readonly parts: WorkerParts
  readonly answer: WorkerAnswer
}

/** Makes a worker that has not begun; questions that come before are answered then. */
export function createWorker(deps: WorkerDeps): Worker {
  const { exit, tell } = deps
  const loadPolicy = createLoadPolicyOnce(deps.loadPolicy)
  const running = Promise.withResolvers<Running>()
  running.promise.catch(() => undefined) // told to whoever called `begin`
  let begun = false
  let logBroken = false
  let ending = false
  let changePolicy: (text: string) => void = () => undefined

  async function begin(start: WorkerStart, log: ServiceLog): Promise<void> {
    const { config, index, policy } = start
    logBroken ||= start.logBroken
    const loading = loadPolicy(policy.text)
    if ('faults' in loading || loading.policy.version !== policy.version) {
      throw new AppError('POLICY_INVALID', 'the policy in force does not load here')
    }
    let parts: WorkerParts | undefined
    const role: WorkerRole = {
      index,
      handOn: (sink, onDropped) =>
        config.decisionLog === 'stdout' ? relayed(sink, onDropped) : sink,
      followPolicy({ onChange }) {
        changePolicy = onChange
        return { close: () => undefined }
      },
      composeFront(front) {
        parts = front
        return { address: '' }
      },
    }
    const service = await startService(
      config,
      { policy: loading.policy, policyText: policy.text, loadPolicy, log },
      role,
    )
    if (parts === undefined) throw new Error('a service without a front')
    begun = true
    const { drain } = service
    const answer = createWorkerAnswers({ parts, loadPolicy, changePolicy, drain })
    running.resolve({ service, parts, answer })
    await tell({ type: 'listening', address: service.grpcAddress })
  }

  /** The supervisor writes the lines: it knows whether that goes well, and the policy is its own. */
  function relayed(sink: DecisionLogSink, onDropped: () => void): DecisionLogSink {
    return {
      ...sink,
      decision(record) {
        if (!logBroken) return sink.decision(record)
        onDropped()
        return false
      },
      policy: () => undefined,
    }
  }

  async function reply({ id, question }: Extract<Order<never>, { type: 'ask' }>): Promise<void> {
    const { answer } = await running.promise
    await tell({ type: 'answer', id, ...(await answer(question)) })
  }

  /** Finishes what is under way, and ends. */
  async function end(drainMs: number): Promise<void> {
    if (ending) return
    ending = true
    if (!begun) {
      exit(0)
      return
    }
    const { parts, service } = await running.promise
    service.drain()
    if (drainMs > 0) await new Promise((resolve) => setTimeout(resolve, drainMs))
    await service.close()
    await tell({ type: 'farewell', metrics: (await parts.metrics.expose()).text })
    exit(0)
  }

  return {
    begin,
    obey(order) {
      if (order.type === 'ask') void reply(order)
      else if (order.type === 'log') logBroken = order.broken
      else void end(0)
    },
    abandon() {
      void end(abandonedMs)
      setTimeout(() => exit(1), abandonedAtMostMs).unref()
    },
  }
}
