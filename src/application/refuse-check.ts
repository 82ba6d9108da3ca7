import { decisionOf, enter } from '../domain/evaluate.ts'
import { newEvaluation, type Evaluation } from '../domain/evaluation.ts'
import type { Policy } from '../domain/policy.ts'
import { recordOf } from '../domain/record.ts'
import type { AccessRequest } from '../domain/request.ts'
import type { DecisionLog } from '../ports/decision-log.ts'
import type { CheckMetrics } from './observe-check.ts'

/** A check that is refused without its decision: too many at once, too late, or a fault. */
export interface RefusedCheck {
  /** Absent: it was refused unread. */
  readonly request?: AccessRequest
  readonly durationMs: number
}

/** Logs and counts a refusal as `unavailable`; gives the id under which it is logged. */
export type RefuseCheck = (refused: RefusedCheck) => string

/** What refusing rests on. */
export interface RefuseCheckDeps {
  readonly policy: () => Policy
  readonly log: DecisionLog
  readonly metrics: CheckMetrics
  readonly worker: number
  readonly now: () => number
  readonly timestamp: (ms: number) => string
  /** A new id, of a time by the wall clock. */
  readonly newId: (nowMs: number) => string
  readonly onFault: (cause: unknown) => void
}

const unread: AccessRequest = {
  method: '',
  host: '',
  path: '',
  header: () => undefined,
  extensions: new Map(),
}

/** Makes it. It never throws: what refuses must not fail. */
export function createRefuseCheck(deps: RefuseCheckDeps): RefuseCheck {
  /** What is known without the token and the fact: path and route. */
  function knownOf(request: AccessRequest | undefined): Evaluation {
    const evaluation = newEvaluation(deps.policy(), request ?? unread)
    if (request !== undefined) enter(evaluation)
    return evaluation
  }

  function record(
    evaluation: Evaluation,
    { decisionId, durationMs, nowMs }: { decisionId: string; durationMs: number; nowMs: number },
  ): void {
    deps.log.decision(
      recordOf(decisionOf(evaluation, 'unavailable'), {
        ...{ decisionId, nowMs, timestamp: deps.timestamp(nowMs), worker: deps.worker },
        ...{ durationUs: Math.round(durationMs * 1000), loggedAllows: 1 },
      }),
    )
    deps.metrics.decided({
      allowed: false,
      reason: 'unavailable',
      route: evaluation.settings?.name ?? '',
      source: null,
      durationS: durationMs / 1000,
    })
  }

  return ({ durationMs, request }) => {
    const nowMs = deps.now()
    const decisionId = deps.newId(nowMs)
    try {
      record(knownOf(request), { decisionId, durationMs, nowMs })
    } catch (cause) {
      deps.onFault(cause)
    }
    return decisionId
  }
}
