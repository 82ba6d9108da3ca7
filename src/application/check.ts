import type { Reason } from '../domain/decision.ts'
import { isUsual, usualHeader } from '../domain/credential.ts'
import {
  admit,
  decisionOf,
  enter,
  presentedToken,
  readmit,
  type TokenVerdict,
} from '../domain/evaluate.ts'
import { newEvaluation, type Decision, type Evaluation, type Trace } from '../domain/evaluation.ts'
import type { ClaimRules } from '../domain/identity.ts'
import type { Instant } from '../domain/instant.ts'
import type { Policy } from '../domain/policy.ts'
import type { AccessRequest } from '../domain/request.ts'
import type { Clock } from '../ports/clock.ts'
import type { TokenVerifier } from '../ports/token-verifier.ts'
import { createFactDecision, type FactDecisionDeps } from './decide-on-fact.ts'
import type { Deadline } from './deadline.ts'
import type { TokenMemory } from './token-memory.ts'
import { unlessAborted } from './unless-aborted.ts'

/**
 * Decides a request. What is known of a subject is decided at once, in the same turn; else there is
 * a promise, which never rejects and is settled by the deadline.
 */
export type Check = (request: AccessRequest, deadline: Deadline) => Decision | Promise<Decision>

/** What a check rests on. */
export interface CheckDeps extends FactDecisionDeps {
  /** The policy in force; each check uses one from its beginning to its end. */
  readonly policy: () => Policy
  readonly tokens: TokenVerifier
  /** Tokens that were verified before. */
  readonly identities: Pick<TokenMemory, 'epoch' | 'get' | 'set'> &
    Partial<Pick<TokenMemory, 'missed' | 'recall'>>
  readonly rules: ClaimRules
  /** Wall clock, in ms. */
  readonly now: () => number
  /**
   * When the batch began in which a check is decided, by both clocks: it is read once for all checks of
   * a batch. Absent: the clocks are read for each. Whoever gives it looks at a clock that goes on, once
   * there is a decision, and sees to it that what comes late is no allow (`observeCheck`).
   */
  readonly batch?: Clock | undefined
  readonly trace?: Trace
}

/**
 * Builds the decision pipeline. Whatever is not an explicit, timely grant is a refusal: a fault in
 * any part, also a bug, is `unavailable`.
 */
export function createCheck(deps: CheckDeps): Check {
  const { identities, now, rules, tokens } = deps
  const decideOnFact = createFactDecision(deps)

  return function check(request, deadline) {
    const evaluation = newEvaluation(deps.policy(), request, deps.trace)
    try {
      const reason = decide(evaluation, deadline)
      if (typeof reason !== 'string') return inTime(evaluation, reason, deadline)
      return deps.batch === undefined
        ? decided(evaluation, reason, deadline)
        : decisionOf(evaluation, reason)
    } catch (cause) {
      return failed(evaluation, cause)
    }
  }

  function decide(evaluation: Evaluation, deadline: Deadline): Reason | Promise<Reason> {
    const entered = enter(evaluation)
    if (entered !== undefined) return entered
    const header = evaluation.request.header('authorization')
    const at = deps.batch?.()
    const nowMs = at?.wallMs ?? now()
    let identity = identities.recall?.(evaluation.request.recognised, nowMs)
    // The header as it came: to cut its token out of it, and to hash that, costs more than to find it.
    if (identity === undefined && isUsual(header)) identity = identities.get(header, nowMs)
    if (identity === undefined) {
      const presented = presentedToken(evaluation, header)
      if ('decided' in presented) return presented.decided
      const { token } = presented
      const credential = usualHeader(token, header)
      if (credential !== header) identity = identities.get(credential, nowMs)
      if (identity === undefined) return verify({ evaluation, token, credential }, deadline, at)
    } else evaluation.trace?.('credential', 'passed', 'one bearer token')
    return readmit(evaluation, identity, nowMs) ?? decideOnFact(evaluation, deadline, at)
  }

  function verify(
    presented: Presented,
    deadline: Deadline,
    at: Instant | undefined,
  ): Reason | Promise<Reason> {
    identities.missed?.()
    const epoch = identities.epoch()
    const verdict = tokens.verify(presented.token, deadline)
    return verdict instanceof Promise
      ? verdict.then((told) => judge(presented, { verdict: told, epoch }, deadline))
      : judge(presented, { verdict, epoch, at }, deadline)
  }

  function judge(
    { credential, evaluation }: Presented,
    { at, epoch, verdict }: Verified,
    deadline: Deadline,
  ): Reason | Promise<Reason> {
    const refusal = admit(evaluation, verdict, { rules, nowMs: at?.wallMs ?? now() })
    if (evaluation.identity !== null) identities.set(credential, evaluation.identity, epoch)
    return refusal ?? decideOnFact(evaluation, deadline, at)
  }

  async function inTime(
    evaluation: Evaluation,
    deciding: Promise<Reason>,
    deadline: Deadline,
  ): Promise<Decision> {
    try {
      const reason = await unlessAborted(deciding, deadline.signal(), () => 'unavailable' as const)
      return decided(evaluation, reason, deadline)
    } catch (cause) {
      return failed(evaluation, cause)
    }
  }

  /** An allow that is made after the deadline is not an allow. */
  function decided(evaluation: Evaluation, reason: Reason, deadline: Deadline): Decision {
    const late = reason === 'granted' && deadline.isLate()
    return decisionOf(evaluation, late ? 'unavailable' : reason)
  }

  function failed(evaluation: Evaluation, cause: unknown): Decision {
    deps.onFault(cause)
    return decisionOf(evaluation, 'unavailable')
  }
}

/** A token that was not met before. */
interface Presented {
  readonly evaluation: Evaluation
  readonly token: string
  /** What it is remembered under. */
  readonly credential: string
}

/** What became of it. */
interface Verified {
  readonly verdict: TokenVerdict
  /** Under which keys. */
  readonly epoch: number
  /** When, where that was at once. */
  readonly at?: Instant | undefined
}
