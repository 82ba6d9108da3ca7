import type { Decision } from './evaluation.ts'
import { provenIdentity, type ProvenIdentity } from './injected-headers.ts'
import type { Policy } from './policy.ts'

/** Who signs identity assertions (`iss`). */
export const assertionIssuer = 'tenantgate'
/**
 * The `typ` of their headers (RFC 8725 section 3.11): an assertion is no access token, here or
 * elsewhere, and no access token an assertion.
 */
export const assertionType = 'tenantgate-assertion+jwt'
/** How long an assertion holds, in seconds. */
export const assertionLifetimeS = 60

/** What an assertion states: the identity headers of a request, for one upstream. Times in s. */
export interface AssertionClaims {
  readonly iss: typeof assertionIssuer
  readonly aud: string
  readonly sub: string
  /** Left out where no organization applies. */
  readonly org?: string
  readonly org_roles: readonly string[]
  readonly user_roles: readonly string[]
  /** The decision that it was signed for: the first of those it is sent with. */
  readonly decision_id: string
  readonly iat: number
  readonly exp: number
}

/** What an assertion states apart from when and for which decision it was signed. */
export interface AssertedIdentity extends ProvenIdentity {
  readonly userId: string
  /** The upstream that it is for. */
  readonly audience: string
}

/** The identity to assert to a request's upstream; null: nobody was proven, or it does not pass. */
export function assertedIdentity(
  decision: Decision,
  audiences: ReadonlyMap<string, string>,
  fallback: string,
): AssertedIdentity | null {
  if (!decision.passes) return null
  const proven = provenIdentity(decision)
  const { userId } = proven
  if (userId === null) return null
  const { policy, settings } = decision.evaluation
  const { defaultUpstream } = policy.definition
  const audience = audiences.get(settings?.name ?? '') ?? defaultUpstream ?? fallback
  return { ...proven, userId, audience }
}

/** The upstream of each route that names one. */
export function audiencesOf({ definition }: Policy): ReadonlyMap<string, string> {
  const audiences = new Map<string, string>()
  for (const { name, upstream } of definition.routes) {
    if (upstream !== undefined) audiences.set(name, upstream)
  }
  return audiences
}

/** The claims of an assertion that is signed now. */
export function claimsOf(
  identity: AssertedIdentity,
  decisionId: string,
  nowMs: number,
): AssertionClaims {
  const { audience, organizationId, organizationRoles, platformRoles, userId } = identity
  const iat = Math.floor(nowMs / 1000)
  return {
    iss: assertionIssuer,
    aud: audience,
    sub: userId,
    ...(organizationId !== null && { org: organizationId }),
    org_roles: organizationRoles,
    user_roles: platformRoles,
    decision_id: decisionId,
    iat,
    exp: iat + assertionLifetimeS,
  }
}
