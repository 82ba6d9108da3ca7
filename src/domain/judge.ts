import type { DenyReason } from './decision.ts'
import { refuse, type Evaluation, type Guard, type Tenancy } from './evaluation.ts'
import type { Fact } from './fact.ts'
import type { Identity } from './identity.ts'
import type { Policy } from './policy.ts'
import { opens } from './tenancy.ts'

/**
 * Steps 8 to 10 of a check, and what is left of step 7 on a mismatch: does the fact bear a grant?
 * Returns why not, or undefined for a grant.
 */
export function judge(
  evaluation: Evaluation,
  tenancy: Tenancy,
  fact: Fact,
): DenyReason | undefined {
  const { guards, policy, trace } = evaluation
  evaluation.fact = fact
  const byPlatform = (permission: string): boolean => platformGrants(policy, fact, permission)
  const opensByPlatform = (guard: Guard): boolean => opens(guard, byPlatform)

  if (tenancy.mismatch) {
    if (!guards.every(opensByPlatform)) {
      return refuse(
        evaluation,
        'tenant',
        'tenant_mismatch',
        'the token is of another tenant, and no platform role opens the route',
      )
    }
    trace?.('tenant', 'passed', 'another tenant, opened by a platform role')
  }
  if (!fact.user) return refuse(evaluation, 'subject', 'unknown_user', 'no such user')
  if (fact.banned) return refuse(evaluation, 'subject', 'banned', 'the user is banned')
  trace?.('subject', 'passed', 'the user exists and is not banned')

  const asMember = guards.filter((guard) => guard.access === 'member')
  const tenantless = (guard: Guard): boolean => guard.tenant.kind === 'none'
  const isMember = fact.rows.length > 0 && !tenancy.mismatch
  for (const guard of asMember) {
    if (!isMember && !tenantless(guard) && !opensByPlatform(guard)) {
      return refuse(evaluation, 'member', 'not_a_member', 'the user is not a member of the tenant')
    }
  }
  trace?.('member', 'passed', describeMembership(isMember, asMember.length > 0))

  for (const guard of asMember) {
    const holds = (permission: string): boolean =>
      byPlatform(permission) ||
      (isMember && !tenantless(guard) && memberGrants(policy, fact, permission))
    if (!opens(guard, holds)) {
      return refuse(evaluation, 'permission', 'permission_denied', describeLack(guard, fact, holds))
    }
  }
  trace?.('permission', 'passed', describeGrant(asMember))
  return undefined
}

/**
 * The fact that a token's own organization role amounts to, for a route that prefers it to an
 * outage (`whenUnavailable: claims`); undefined where the token does not carry one.
 */
export function factFromClaims(
  identity: Identity,
  { tenant, mismatch }: Tenancy,
): Fact | undefined {
  if (mismatch || tenant === null || identity.organization !== tenant) return undefined
  if (identity.issuedAtS === null) return undefined
  return {
    user: true,
    banned: false,
    rows: [identity.organizationRoles],
    dynamic: new Map(),
    platformRoles: [],
    source: 'claims',
    verifiedAtMs: identity.issuedAtS * 1000,
  }
}

function platformGrants(policy: Policy, fact: Fact, permission: string): boolean {
  return fact.platformRoles.some((role) => policy.platformRoles.get(role)?.has(permission) === true)
}

/** Better Auth allows several rows for one member: only what every row grants holds. */
function memberGrants(policy: Policy, fact: Fact, permission: string): boolean {
  const granted = (role: string): boolean =>
    policy.roles.get(role)?.has(permission) === true ||
    (policy.definition.dynamicRoles && fact.dynamic.get(role)?.includes(permission) === true)
  return fact.rows.length > 0 && fact.rows.every((roles) => roles.some(granted))
}

function describeMembership(isMember: boolean, asked: boolean): string {
  if (!asked) return 'membership is not asked for'
  return isMember ? 'the user is a member' : 'a platform role opens the route'
}

function describeLack(
  { requirement }: Guard,
  fact: Fact,
  holds: (permission: string) => boolean,
): string {
  const missing = requirement.permissions.filter((permission) => !holds(permission))
  const roles = fact.rows.map((row) => row.join(', ') || 'none').join(' and ') || 'none'
  return `no role grants ${missing.join(', ')} (organization roles: ${roles}; platform roles: ${fact.platformRoles.join(', ') || 'none'})`
}

function describeGrant(guards: readonly Guard[]): string {
  const permissions = guards.flatMap((guard) => guard.requirement.permissions)
  return permissions.length === 0 ? 'no permission is asked for' : `${permissions.join(', ')} held`
}
