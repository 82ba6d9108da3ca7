import type { DenyReason } from './decision.ts'
import { refuse, type Evaluation, type Guard } from './evaluation.ts'
import type { Identity } from './identity.ts'
import { isMet } from './permission.ts'

/**
 * Step 7 of a check: the request names a tenant, and the token's organization is that one. A
 * mismatch refuses, unless the policy has a platform role that would open the route: then the
 * subject's own fact is needed to tell (contract section 4). Fills in the evaluation's tenancy.
 */
export function checkTenant(evaluation: Evaluation, identity: Identity): DenyReason | undefined {
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
export function opens(guard: Guard, holds: (permission: string) => boolean): boolean {
  return guard.access !== 'member' || isMet(guard.requirement, holds)
}
