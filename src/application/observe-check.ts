import type { Reason } from '../domain/decision.ts'
import { decisionOf } from '../domain/evaluate.ts'
import type { Decision, Evaluation } from '../domain/evaluation.ts'
import { recordOf } from '../domain/record.ts'
import type { AccessRequest } from '../domain/request.ts'
import type { CheckSpan, CheckTracer } from '../ports/check-tracer.ts'
import type { Clock } from '../ports/clock.ts'
import type { DecisionLog } from '../ports/decision-log.ts'
import type { Assert } from './assertions.ts'
import type { Check } from './check.ts'
import type { Deadline } from './deadline.ts'

/** A decision with the id under which it was logged. */
export interface ObservedDecision {
  readonly decision: Decision
  readonly decisionId: string
  /** Who the subject is, signed for the upstream; null: none applies; undefined: they are off. */
  readonly assertion?: string | null | undefined
}

/** Counts decisions; it must neither wait nor throw. */
export interface CheckMetrics {
  readonly decided: (observation: {
    readonly allowed: boolean
    readonly reason: Reason
    readonly route: string
    readonly source: string | null
    readonly durationS: number
  }) => void
}

/** What observing rests on. */
export interface ObserveCheckDeps {
  readonly log: DecisionLog
  readonly metrics: CheckMetrics
  /** Absent: checks are not traced. */
  readonly tracer?: CheckTracer | undefined
  /** Absent: upstreams get no assertions. */
  readonly assert?: Assert | undefined
  /** The share of allows that are logged, 0 to 1; denials always are. */
  readonly loggedAllows: number
  /** Refuse what cannot be logged. */
  readonly logRequired: boolean
  readonly worker: number
  readonly now: () => number
  /** Monotonic clock, in ms with fractions. */
  readonly monotonicNow: () => number
  /** Absent: the clocks are read for each check. */
  readonly batch?: Batch | undefined
  readonly timestamp: (ms: number) => string
  /** A new id, of a time by the wall clock. */
  readonly newId: (nowMs: number) => string
  readonly random: () => number
}

/** What is read once for all checks that are decided together. */
export interface Batch {
  /** When it began, by both clocks. */
  readonly clock: Clock
  /** How long after that a decision may come and still allow, in ms. */
  readonly maxMs: number
}

/** Assertions are off. */
const unasserted = { token: undefined } as const

/** A check with its decision's id; made at once where the check is. */
export type ObservedCheck = (
  request: AccessRequest,
  deadline: Deadline,
) => ObservedDecision | Promise<ObservedDecision>

/** A check under way: when it began, and its span where it is traced. */
interface Begun {
  readonly atMs: number
  readonly span: CheckSpan | undefined
}

interface Observation {
  readonly decisionId: string
  readonly nowMs: number
  readonly durationMs: number
  readonly span: CheckSpan | undefined
}

/**
 * What cannot be logged although it must, or not be asserted. Shadow mode lifts a policy's rules, not
 * these.
 */
function withheld(evaluation: Evaluation): Decision {
  return { ...decisionOf(evaluation, 'unavailable'), passes: false }
}

/** Gives every decision an id, logs and counts it, and changes nothing else about it. */
export function observeCheck(check: Check, deps: ObserveCheckDeps): ObservedCheck {
  const { batch } = deps

  return (request, deadline) => {
    const at = batch?.clock()
    const atMs = at?.monotonicMs ?? deps.monotonicNow()
    const span = deps.tracer?.begin(request)
    const checked = check(request, deadline)
    if (checked instanceof Promise) {
      return checked.then((decision) => observedLater(decision, { atMs, span }, deadline))
    }
    const endMs = deps.monotonicNow()
    const durationMs = endMs - atMs
    // The clock of a batch stands still, also while the process does: what is decided by it is an allow
    // only where it comes soon after.
    const late = deadline.isLate(endMs) || (batch !== undefined && durationMs > batch.maxMs)
    const nowMs = at?.wallMs ?? deps.now()
    const observation = { decisionId: deps.newId(nowMs), nowMs, durationMs, span }
    return observed(checked, observation, late)
  }

  function observedLater(checked: Decision, begun: Begun, deadline: Deadline): ObservedDecision {
    const { atMs, span } = begun
    const answered = deadline.answeredAs?.()
    if (answered !== undefined) {
      // It was logged and counted as refused when its caller was answered.
      span?.end(decisionOf(checked.evaluation, 'unavailable'), answered)
      return { decision: checked, decisionId: answered }
    }
    const nowMs = deps.now()
    const durationMs = deps.monotonicNow() - atMs
    const observation = { decisionId: deps.newId(nowMs), nowMs, durationMs, span }
    // A process that stood still sees its timers fire only after the work they should have cut off.
    return observed(checked, observation, deadline.isLate())
  }

  function observed(checked: Decision, observation: Observation, late: boolean): ObservedDecision {
    const { decisionId, durationMs, span } = observation
    const decided =
      checked.reason === 'granted' && late ? decisionOf(checked.evaluation, 'unavailable') : checked
    const asserted = deps.assert?.(decided, decisionId) ?? unasserted
    const sound = 'failed' in asserted ? withheld(decided.evaluation) : decided
    const decision = logged(sound, observation) ? sound : withheld(decided.evaluation)
    const { reason, evaluation } = decision
    deps.metrics.decided({
      allowed: reason === 'granted',
      reason,
      route: evaluation.settings?.name ?? '',
      source: evaluation.fact?.source ?? null,
      durationS: durationMs / 1000,
    })
    span?.end(decision, decisionId)
    return { decision, decisionId, assertion: 'token' in asserted ? asserted.token : undefined }
  }

  function logged(
    decision: Decision,
    { decisionId, durationMs, nowMs, span }: Observation,
  ): boolean {
    if (deps.log.keepsNothing === true) return true
    if (decision.reason === 'granted' && deps.loggedAllows < 1) {
      if (deps.random() >= deps.loggedAllows) return true
    }
    const accepted = deps.log.decision(
      recordOf(decision, {
        decisionId,
        nowMs,
        timestamp: deps.timestamp(nowMs),
        durationUs: Math.round(durationMs * 1000),
        worker: deps.worker,
        loggedAllows: deps.loggedAllows,
        span,
      }),
    )
    return accepted || !deps.logRequired
  }
}
