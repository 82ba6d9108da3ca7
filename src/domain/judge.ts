import type { DenyReason } from './decision.ts'
import { refuse, type Evaluation, type Guard, type Tenancy } from './evaluation.ts'
import type { Fact } from './fact.ts'
import type { Identity } from './identity.ts'
import type { Policy } from './policy.ts'

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
  if (tenancy.mismatch) {
    for (const guard of guards) {
      if (guard.access === 'member' && !opens(guard, policy, fact, false)) {
        return refuse(
          evaluation,
          'tenant',
          'tenant_mismatch',
          'the token is of another tenant, and no platform role opens the route',
        )
      }
    }
    trace?.('tenant', 'passed', 'another tenant, opened by a platform role')
  }
  if (!fact.user) return refuse(evaluation, 'subject', 'unknown_user', 'no such user')
  if (fact.banned) return refuse(evaluation, 'subject', 'banned', 'the user is banned')
  trace?.('subject', 'passed', 'the user exists and is not banned')

  const isMember = fact.rows.length > 0 && !tenancy.mismatch
  if (!isMember) {
    for (const guard of guards) {
      if (guard.access !== 'member' || guard.tenant.kind === 'none') continue
      if (opens(guard, policy, fact, false)) continue
      return refuse(evaluation, 'member', 'not_a_member', 'the user is not a member of the tenant')
    }
  }
  trace?.('member', 'passed', describeMembership(isMember, guards))

  for (const guard of guards) {
    if (guard.access !== 'member') continue
    const asMember = isMember && guard.tenant.kind !== 'none'
    if (opens(guard, policy, fact, asMember)) continue
    const detail = trace === undefined ? '' : describeLack(guard, policy, fact, asMember)
    return refuse(evaluation, 'permission', 'permission_denied', detail)
  }
  if (trace !== undefined) trace('permission', 'passed', describeGrant(guards))
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

/**
 * Whether a fact holds what a guard asks for: each of its permissions or one of them, by a platform
 * role or, as a member, by the roles of the tenant. Loops without closures: this is on every request's
 * way.
 */
function opens({ requirement }: Guard, policy: Policy, fact: Fact, asMember: boolean): boolean {
  const { permissions, quantifier } = requirement
  const all = quantifier === 'all'
  for (const permission of permissions) {
    if (holds(policy, fact, permission, asMember) !== all) return !all
  }
  return all && permissions.length > 0
}

function holds(policy: Policy, fact: Fact, permission: string, asMember: boolean): boolean {
  if (policy.platformPermissions.has(permission)) {
    for (const role of fact.platformRoles) {
      if (policy.platformRoles.get(role)?.has(permission) === true) return true
    }
  }
  return asMember && memberHolds(policy, fact, permission)
}

const noRoles: readonly string[] = []

/**
 * Better Auth allows several rows for one member: only what every row grants holds. By index, as V8 does
 * not compile `for of` over lists that are frozen.
 */
function memberHolds(policy: Policy, fact: Fact, permission: string): boolean {
  const { rows } = fact
  for (let at = 0; at < rows.length; at += 1) {
    if (!rowHolds(policy, fact, rows[at] ?? noRoles, permission)) return false
  }
  return rows.length > 0
}

function rowHolds(
  policy: Policy,
  fact: Fact,
  roles: readonly string[],
  permission: string,
): boolean {
  for (let at = 0; at < roles.length; at += 1) {
    const role = roles[at] ?? ''
    if (policy.roles.get(role)?.has(permission) === true) return true
    if (!policy.definition.dynamicRoles) continue
    if (fact.dynamic.get(role)?.includes(permission) === true) return true
  }
  return false
}

function describeMembership(isMember: boolean, guards: readonly Guard[]): string {
  if (guards.every(({ access }) => access !== 'member')) return 'membership is not asked for'
  return isMember ? 'the user is a member' : 'a platform role opens the route'
}

function describeLack(
  { requirement }: Guard,
  policy: Policy,
  fact: Fact,
  asMember: boolean,
): string {
  const missing = requirement.permissions.filter((one) => !holds(policy, fact, one, asMember))
  const roles = fact.rows.map((row) => row.join(', ') || 'none').join(' and ') || 'none'
  return `no role grants ${missing.join(', ')} (organization roles: ${roles}; platform roles: ${fact.platformRoles.join(', ') || 'none'})`
}

function describeGrant(guards: readonly Guard[]): string {
  const permissions = guards.flatMap(({ access, requirement }) =>
    access === 'member' ? requirement.permissions : [],
  )
  return permissions.length === 0 ? 'no permission is asked for' : `${permissions.join(', ')} held`
}
