import type { Reason } from './decision.ts'
import type { Fact, Pair } from './fact.ts'
import type { Identity } from './identity.ts'
import type { Access, Freshness, Policy } from './policy.ts'
import type { Requirement } from './permission.ts'
import type { AccessRequest } from './request.ts'

/** The steps of a check, by name, in order (contract section 4). */
export type Step =
  | 'request'
  | 'path'
  | 'route'
  | 'public'
  | 'credential'
  | 'token'
  | 'tenant'
  | 'subject'
  | 'member'
  | 'permission'
  | 'decision'

/** Told of each step as it is taken; `explain` listens, the service does not. */
export type Trace = (step: Step, outcome: 'passed' | 'refused', detail: string) => void

/** One rule that a request has to satisfy; with a policy route and Envoy's own there are two. */
export interface Guard {
  readonly access: Access
  readonly requirement: Requirement
  /** What the request names as its tenant, before the token is known. */
  readonly tenant: NamedTenant
  /** What the guard refuses passes all the same: its route is in `mode: shadow`. */
  readonly shadow: boolean
}

/**
 * A tenant as a request names it; `value` null: it should name one and does not. `header` is the
 * header that was read, where it was one.
 */
export type NamedTenant =
  | { readonly kind: 'named'; readonly value: string | null; readonly header?: string }
  | { readonly kind: 'claim' }
  | { readonly kind: 'none' }

/** How the matched rule wants to be decided. */
export interface RuleSettings {
  readonly name: string
  readonly freshness: Freshness
  readonly whenUnavailable: 'deny' | 'claims'
  readonly mode: 'enforce' | 'shadow'
}

/** Step 7, decided: whose tenant it is, and which fact is needed to go on. */
export interface Tenancy {
  /** The tenant that the request names; null: none. */
  readonly tenant: string | null
  /** The token belongs elsewhere: only a platform role can still open the route. */
  readonly mismatch: boolean
  /** The fact to look up. Of the token's own organization on a mismatch, so that one serves all. */
  readonly pair: Pair
}

/**
 * A check under way: what is known so far. Each step fills in its part, so that whatever the
 * outcome, the decision can say on what it rests.
 */
export interface Evaluation {
  readonly policy: Policy
  readonly request: AccessRequest
  readonly trace: Trace | undefined
  /** The path without its query, once read. */
  path: string | null
  settings: RuleSettings | null
  guards: readonly Guard[]
  identity: Identity | null
  tenancy: Tenancy | null
  fact: Fact | null
}

/** Begins a check. */
export function newEvaluation(policy: Policy, request: AccessRequest, trace?: Trace): Evaluation {
  return {
    policy,
    request,
    trace,
    path: null,
    settings: null,
    guards: [],
    identity: null,
    tenancy: null,
    fact: null,
  }
}

/** What a check came to. */
export interface Decision {
  readonly reason: Reason
  /** Whether the request goes through: granted, or refused by a rule that only watches. */
  readonly passes: boolean
  readonly evaluation: Evaluation
}

/** A refusal that stops the check, told to the trace on the way. */
export function refuse<R extends Reason>(
  evaluation: Evaluation,
  step: Step,
  reason: R,
  detail: string,
): R {
  evaluation.trace?.(step, 'refused', detail)
  return reason
}
