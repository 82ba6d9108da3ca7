import type { Reason } from '../domain/decision.ts'
import { admit, begin, decisionOf, readmit } from '../domain/evaluate.ts'
import { newEvaluation, type Decision, type Evaluation, type Trace } from '../domain/evaluation.ts'
import type { ClaimRules } from '../domain/identity.ts'
import type { Policy } from '../domain/policy.ts'
import type { AccessRequest } from '../domain/request.ts'
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
  readonly identities: Pick<TokenMemory, 'epoch' | 'get' | 'set'>
  readonly rules: ClaimRules
  /** Wall clock, in ms. */
  readonly now: () => number
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
      return typeof reason === 'string'
        ? decided(evaluation, reason, deadline)
        : inTime(evaluation, reason, deadline)
    } catch (cause) {
      return failed(evaluation, cause)
    }
  }

  function decide(evaluation: Evaluation, deadline: Deadline): Reason | Promise<Reason> {
    const begun = begin(evaluation)
    if ('decided' in begun) return begun.decided
    const nowMs = now()
    const identity = identities.get(begun.token, nowMs)
    if (identity === undefined) return verify(evaluation, begun.token, deadline)
    return readmit(evaluation, identity, nowMs) ?? decideOnFact(evaluation, deadline)
  }

  async function verify(
    evaluation: Evaluation,
    token: string,
    deadline: Deadline,
  ): Promise<Reason> {
    const epoch = identities.epoch()
    const verdict = await tokens.verify(token, deadline.signal())
    const refusal = admit(evaluation, verdict, { rules, nowMs: now() })
    if (evaluation.identity !== null) identities.set(token, evaluation.identity, epoch)
    return refusal ?? decideOnFact(evaluation, deadline)
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
