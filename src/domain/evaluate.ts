import { readCredential } from './credential.ts'
import type { DenyReason, Reason } from './decision.ts'
import { refuse, type Decision, type Evaluation } from './evaluation.ts'
import type { Fact } from './fact.ts'
import {
  readIdentity,
  refusalByTime,
  type ClaimRules,
  type Identity,
  type VerifiedToken,
} from './identity.ts'
import { factFromClaims, judge } from './judge.ts'
import { matchRequest } from './match-request.ts'
import { checkTenant } from './tenancy.ts'

/**
 * The decision in three pure parts, with the two look-ups (the token's signature, the subject's
 * fact) between them. The service, `explain`, policy cases and replay all run these; they differ
 * only in where the two answers come from.
 */

/** Steps 1 to 4: a decision, or undefined where a token is needed to go on. */
export function enter(evaluation: Evaluation): Reason | undefined {
  const refusal = matchRequest(evaluation)
  if (refusal !== undefined) return refusal
  if (!isPublic(evaluation)) return undefined
  evaluation.trace?.('public', 'passed', 'the route is public: no credential is looked at')
  return grant(evaluation)
}

/** Step 4: whether no rule of the request asks who makes it. */
export function isPublic({ guards }: Evaluation): boolean {
  for (const { access } of guards) if (access !== 'public') return false
  return true
}

/** Step 5: the token that has to be verified to go on, or why there is none. */
export function presentedToken(
  evaluation: Evaluation,
  header: string | undefined,
): { readonly decided: Reason } | { readonly token: string } {
  const credential = readCredential(header)
  if ('refusal' in credential) {
    return { decided: refuse(evaluation, 'credential', credential.refusal, credential.why) }
  }
  evaluation.trace?.('credential', 'passed', 'one bearer token')
  return credential
}

/** A token as its verifier found it: verified, or why not. */
export type TokenVerdict = VerifiedToken | { readonly why: string }

/** Steps 6 and 7: why the token refuses the request, or undefined with the tenancy filled in. */
export function admit(
  evaluation: Evaluation,
  verdict: TokenVerdict,
  { rules, nowMs }: { readonly rules: ClaimRules; readonly nowMs: number },
): DenyReason | undefined {
  if ('why' in verdict) return refuse(evaluation, 'token', 'invalid_token', verdict.why)
  const reading = readIdentity(verdict, rules, nowMs)
  if ('refusal' in reading) return refuse(evaluation, 'token', reading.refusal, reading.why)
  return admitAs(evaluation, reading.identity)
}

/** The same for a token that was admitted before: only time can have changed what it is worth. */
export function readmit(
  evaluation: Evaluation,
  identity: Identity,
  nowMs: number,
): DenyReason | undefined {
  const refusal = refusalByTime(identity, nowMs)
  if (refusal !== undefined) return refuse(evaluation, 'token', refusal.refusal, refusal.why)
  return admitAs(evaluation, identity)
}

/** The same for an identity whose token was judged: a record holds it. */
export function admitAs(evaluation: Evaluation, identity: Identity): DenyReason | undefined {
  evaluation.identity = identity
  evaluation.trace?.('token', 'passed', `a valid token of ${identity.subject}`)
  return checkTenant(evaluation, identity)
}

/** Steps 8 to 11, from the fact of the evaluation's pair. */
export function conclude(evaluation: Evaluation, fact: Fact): Reason {
  const { tenancy } = evaluation
  if (tenancy === null) return unavailable(evaluation, 'the tenant was not checked')
  return judge(evaluation, tenancy, fact) ?? grant(evaluation)
}

/**
 * What holds when no source could tell the fact: a mismatch stands, and a route may prefer the
 * token's own organization role to an outage (`whenUnavailable: claims`), where nothing is known
 * that speaks against it. A refusal never rests on claims.
 */
export function concludeWithoutFact(
  evaluation: Evaluation,
  { claimsMayGrant }: { readonly claimsMayGrant: boolean },
): Reason {
  const { identity, settings, tenancy } = evaluation
  if (tenancy?.mismatch === true) {
    evaluation.fact = null
    const detail = 'the token is of another tenant, and platform roles cannot be read'
    return refuse(evaluation, 'tenant', 'tenant_mismatch', detail)
  }
  if (claimsMayGrant && settings?.whenUnavailable === 'claims' && identity && tenancy) {
    const fact = factFromClaims(identity, tenancy)
    if (fact !== undefined && judge(evaluation, tenancy, fact) === undefined) {
      return grant(evaluation)
    }
  }
  evaluation.fact = null
  return unavailable(evaluation, 'no source of facts answered in time')
}

/** Closes a check with its reason. */
export function decisionOf(evaluation: Evaluation, reason: Reason): Decision {
  return { reason, passes: reason === 'granted' || passesInShadow(evaluation, reason), evaluation }
}

/** With `mode: shadow` every refusal from step 5 on passes; what cannot be read never does. */
function passesInShadow(evaluation: Evaluation, reason: DenyReason): boolean {
  if (evaluation.settings?.mode !== 'shadow') return false
  if (reason === 'bad_request' || reason === 'ambiguous_path' || reason === 'no_route') return false
  return satisfiesEnforcedGuards(evaluation, reason)
}

/**
 * A rule on Envoy's own route is not in shadow because the policy's route is: it has to hold by
 * itself, on what was found out before the refusal.
 */
function satisfiesEnforcedGuards(evaluation: Evaluation, reason: DenyReason): boolean {
  const guards = evaluation.guards.filter(({ access, shadow }) => !shadow && access !== 'public')
  if (guards.length === 0) return true
  const { identity, fact } = evaluation
  // Without a fact that was judged, nothing shows that the rule holds.
  if (reason === 'unavailable' || identity === null || fact === null) return false
  const alone: Evaluation = { ...evaluation, guards, trace: undefined, tenancy: null }
  if (checkTenant(alone, identity) !== undefined) return false
  // The fact at hand must be of the pair that these guards alone would ask for.
  const [asked, known] = [alone.tenancy?.pair, evaluation.tenancy?.pair]
  if (alone.tenancy === null || asked?.organization !== known?.organization) return false
  return judge(alone, alone.tenancy, fact) === undefined
}

function grant(evaluation: Evaluation): 'granted' {
  evaluation.trace?.('decision', 'passed', 'allow: granted')
  return 'granted'
}

function unavailable(evaluation: Evaluation, detail: string): 'unavailable' {
  return refuse(evaluation, 'decision', 'unavailable', detail)
}
