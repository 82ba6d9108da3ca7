import type { Reason } from '../domain/decision.ts'
import { admit, begin, conclude, concludeWithoutFact, decisionOf } from '../domain/evaluate.ts'
import { AppError } from '../domain/errors.ts'
import { newEvaluation, type Decision, type Evaluation, type Trace } from '../domain/evaluation.ts'
import type { ClaimRules } from '../domain/identity.ts'
import type { Policy } from '../domain/policy.ts'
import type { AccessRequest } from '../domain/request.ts'
import type { FactSource } from '../ports/fact-source.ts'
import type { TokenVerifier } from '../ports/token-verifier.ts'
import { unlessAborted } from './unless-aborted.ts'

/** Decides a request. The signal aborts at the deadline; the promise never rejects. */
export type Check = (request: AccessRequest, signal: AbortSignal) => Promise<Decision>

/** What a check rests on. */
export interface CheckDeps {
  /** The policy in force; each check uses one from its beginning to its end. */
  readonly policy: () => Policy
  readonly tokens: TokenVerifier
  readonly facts: FactSource
  readonly rules: ClaimRules
  /** Whether a route's `whenUnavailable: claims` may be heeded (`TENANTGATE_CLAIMS`). */
  readonly claimsMayGrant: boolean
  /** Wall clock, in ms. */
  readonly now: () => number
  /** Told of a fault that became `unavailable`; it must not throw. */
  readonly onFault: (cause: unknown) => void
  readonly trace?: Trace
}

/**
 * Builds the decision pipeline. Whatever is not an explicit, timely grant is a refusal: a fault in
 * any part, also a bug, is `unavailable`.
 */
export function createCheck(deps: CheckDeps): Check {
  return async function check(request, signal) {
    const evaluation = newEvaluation(deps.policy(), request, deps.trace)
    let reason: Reason
    try {
      reason = await unlessAborted(decide(evaluation, signal), signal, () => 'unavailable')
      // An allow that is made after the deadline is not an allow.
      if (reason === 'granted' && signal.aborted) reason = 'unavailable'
    } catch (cause) {
      deps.onFault(cause)
      reason = 'unavailable'
    }
    return decisionOf(evaluation, reason)
  }

  async function decide(evaluation: Evaluation, signal: AbortSignal): Promise<Reason> {
    const begun = begin(evaluation)
    if ('decided' in begun) return begun.decided

    const verdict = await deps.tokens.verify(begun.token, signal)
    const refusal = admit(evaluation, verdict, { rules: deps.rules, nowMs: deps.now() })
    if (refusal !== undefined) return refusal

    const { settings, tenancy } = evaluation
    if (settings === null || tenancy === null) throw new Error('a check went on without a route')
    let fact
    try {
      fact = await deps.facts.read(tenancy.pair, settings.freshness, signal)
    } catch (cause) {
      // A token's own role may bridge an outage, never a bug.
      if (!isOutage(cause)) throw cause
      deps.onFault(cause)
      return concludeWithoutFact(evaluation, deps)
    }
    return conclude(evaluation, fact)
  }
}

function isOutage(cause: unknown): boolean {
  if (!(cause instanceof AppError)) return false
  return cause.code === 'FACTS_UNAVAILABLE' || cause.code === 'DATABASE_UNAVAILABLE'
}
