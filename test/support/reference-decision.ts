import { readCredential } from '../../src/domain/credential.ts'
import type { DenyReason, Reason } from '../../src/domain/decision.ts'
import {
  newEvaluation,
  refuse,
  type Decision,
  type Evaluation,
  type Guard,
  type Tenancy,
} from '../../src/domain/evaluation.ts'
import type { Fact } from '../../src/domain/fact.ts'
import { readIdentity, type Identity } from '../../src/domain/identity.ts'
import { isMet } from '../../src/domain/permission.ts'
import type { Policy } from '../../src/domain/policy.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import { nowMs, uncheckedRules, type World } from './builders.ts'
import { referenceMatch } from './reference-match.ts'

/**
 * A decision as it would be written were it not on every request's way: sets, closures, and nothing
 * worked out before. What is quicker has to come out alike, in every step that it tells of.
 */
export function referenceDecision(
  policy: Policy,
  request: AccessRequest,
  world: World & { readonly token: NonNullable<World['token']>; readonly fact: Fact },
): Decision {
  const evaluation = newEvaluation(policy, request, world.trace)
  const reason = reasonOf(evaluation, world.token, world.fact)
  return { reason, passes: reason === 'granted' || passesInShadow(evaluation, reason), evaluation }
}

function reasonOf(evaluation: Evaluation, token: NonNullable<World['token']>, fact: Fact): Reason {
  const { request, trace } = evaluation
  const unmatched = referenceMatch(evaluation)
  if (unmatched !== undefined) return unmatched
  if (evaluation.guards.every((guard) => guard.access === 'public')) {
    trace?.('public', 'passed', 'the route is public: no credential is looked at')
    return grant(evaluation)
  }
  const credential = readCredential(request.header('authorization'))
  if ('refusal' in credential) {
    return refuse(evaluation, 'credential', credential.refusal, credential.why)
  }
  trace?.('credential', 'passed', 'one bearer token')
  if ('why' in token) return refuse(evaluation, 'token', 'invalid_token', token.why)
  const reading = readIdentity(token, uncheckedRules, nowMs)
  if ('refusal' in reading) return refuse(evaluation, 'token', reading.refusal, reading.why)
  evaluation.identity = reading.identity
  trace?.('token', 'passed', `a valid token of ${reading.identity.subject}`)
  const mismatch = checkTenant(evaluation, reading.identity)
  if (mismatch !== undefined) return mismatch
  if (evaluation.tenancy === null) throw new Error('the tenant was not checked')
  return judge(evaluation, evaluation.tenancy, fact) ?? grant(evaluation)
}

function grant(evaluation: Evaluation): 'granted' {
  evaluation.trace?.('decision', 'passed', 'allow: granted')
  return 'granted'
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

function checkTenant(evaluation: Evaluation, identity: Identity): DenyReason | undefined {
  const { guards, trace } = evaluation
  const own = identity.organization
  const tenants = new Set<string>()
  let why: string | undefined
  for (const guard of guards) {
    if (guard.access !== 'member' || guard.tenant.kind === 'none') continue
    const tenant = guard.tenant.kind === 'claim' ? own : guard.tenant.value
    if (tenant === null) why ??= 'the request names no tenant'
    else {
      tenants.add(tenant)
      if (own !== null && own !== tenant) why ??= `the token is of ${own}, the request of ${tenant}`
    }
  }
  if (tenants.size > 1) why ??= 'the policy and the rule of Envoy name different tenants'

  const [tenant = null] = tenants
  const mismatch = why !== undefined
  if (mismatch && !platformRoleCouldOpen(evaluation)) {
    evaluation.tenancy = { tenant, mismatch, pair: { user: identity.subject, organization: own } }
    return refuse(evaluation, 'tenant', 'tenant_mismatch', why ?? '')
  }
  const organization = mismatch || tenant === null ? own : tenant
  evaluation.tenancy = { tenant, mismatch, pair: { user: identity.subject, organization } }
  if (mismatch) return undefined // told once the platform roles are known
  trace?.('tenant', 'passed', tenant === null ? 'no tenant is asked for' : `tenant ${tenant}`)
  return undefined
}

/** Whether some platform role of the policy meets every rule; if none does, no fact is needed. */
function platformRoleCouldOpen({ guards, policy }: Evaluation): boolean {
  const held = new Set<string>()
  for (const permissions of policy.platformRoles.values()) {
    for (const permission of permissions) held.add(permission)
  }
  return guards.every((guard) => opens(guard, (permission) => held.has(permission)))
}

/** Whether a guard is satisfied by the permissions that `holds` tells, membership aside. */
function opens(guard: Guard, holds: (permission: string) => boolean): boolean {
  return guard.access !== 'member' || isMet(guard.requirement, holds)
}

function judge(evaluation: Evaluation, tenancy: Tenancy, fact: Fact): DenyReason | undefined {
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
