import type { Decision } from './evaluation.ts'
import { commonRoles } from './roles.ts'

/** Identity headers for an upstream: those to set, and those that must not reach it. */
export interface InjectedHeaders {
  readonly set: readonly (readonly [name: string, value: string])[]
  readonly remove: readonly string[]
}

/** Carries the decision's id to upstreams and clients. */
export const decisionIdHeader = 'x-authz-decision-id'

/** Carries a signed statement of who the subject is (`TENANTGATE_ASSERTION`). */
export const assertionHeader = 'x-identity-assertion'

/**
 * What a request that passes carries of its subject (contract section 5). Every identity header is
 * either set or removed, so none ever reaches an upstream from a client. A refusal that passes in
 * shadow mode carries only what was proven before it. `assertion`: null where none applies, undefined
 * where there are none at all.
 */
export function injectedHeaders(
  decision: Decision,
  decisionId: string,
  assertion?: string | null,
): InjectedHeaders {
  const { headers } = decision.evaluation.policy.definition
  const proven = provenIdentity(decision)
  const set: (readonly [name: string, value: string])[] = []
  const remove: string[] = []
  const put = (name: string, value: string | null): void => {
    if (value === null) remove.push(name)
    else set.push([name, value])
  }
  put(headers.userId, proven.userId)
  put(headers.organizationId, proven.organizationId)
  put(headers.organizationRole, joinRoles(proven.organizationRoles))
  put(headers.userRole, joinRoles(proven.platformRoles))
  put(decisionIdHeader, decisionId)
  if (assertion !== undefined) put(assertionHeader, assertion)
  return { set, remove }
}

/** Who the subject is, as far as the decision proved it. */
export interface ProvenIdentity {
  readonly userId: string | null
  readonly organizationId: string | null
  readonly organizationRoles: readonly string[]
  readonly platformRoles: readonly string[]
}

const nobody: ProvenIdentity = {
  userId: null,
  organizationId: null,
  organizationRoles: [],
  platformRoles: [],
}

/** What a decision proved of its subject. */
export function provenIdentity({ reason, evaluation }: Decision): ProvenIdentity {
  const { identity, tenancy, fact, guards } = evaluation
  if (identity === null) return nobody
  const userId = identity.subject
  const subjectHolds =
    reason === 'granted' || reason === 'not_a_member' || reason === 'permission_denied'
  if (!subjectHolds || fact === null || tenancy === null) return { ...nobody, userId }
  // The claim that granted was never compared with the user's own row.
  const platformRoles = fact.source === 'claims' ? [] : fact.platformRoles
  const inTenant = guards.some(
    ({ access, tenant }) => access === 'member' && tenant.kind !== 'none',
  )
  if (!inTenant || reason === 'not_a_member') return { ...nobody, userId, platformRoles }
  return {
    userId,
    organizationId: tenancy.tenant,
    organizationRoles: tenancy.mismatch ? [] : commonRoles(fact.rows),
    platformRoles,
  }
}

/** Comma-joined; bytes outside visible ASCII and space percent-encoded; null for none. */
function joinRoles(roles: readonly string[]): string | null {
  if (roles.length === 0) return null
  return roles.join(',').replace(/[^\x20-\x7e]+/g, (text) => encodeURIComponent(wellFormed(text)))
}

function wellFormed(text: string): string {
  return text.toWellFormed() // a lone surrogate has no UTF-8 form
}
