import type { DenyReason } from './decision.ts'
import { refuse, type Evaluation, type Guard } from './evaluation.ts'
import { homeOf, type Identity } from './identity.ts'
import { isMet } from './permission.ts'

/**
 * Step 7 of a check: the request names a tenant, and the token's organization is that one. A
 * mismatch refuses, unless the policy has a platform role that would open the route: then the
 * subject's own fact is needed to tell (contract section 4). Fills in the evaluation's tenancy.
 */
export function checkTenant(evaluation: Evaluation, identity: Identity): DenyReason | undefined {
  const own = identity.organization
  let tenant: string | null = null
  let isNamed = true
  let isOne = true
  for (const guard of evaluation.guards) {
    if (!isOfTenant(guard)) continue
    const named = guard.tenant.kind === 'claim' ? own : guard.tenant.value
    if (named === null) isNamed = false
    else if (tenant === null) tenant = named
    else if (named !== tenant) isOne = false
  }
  const isOwn = tenant === null || own === null || tenant === own
  if (isNamed && isOne && isOwn) {
    passTenant(evaluation, identity, tenant)
    return undefined
  }

  evaluation.tenancy = { tenant, mismatch: true, pair: homeOf(identity).pair }
  if (platformRoleCouldOpen(evaluation)) return undefined // told once the platform roles are known
  const why = evaluation.trace === undefined ? '' : describeMismatch(evaluation, own)
  return refuse(evaluation, 'tenant', 'tenant_mismatch', why)
}

function passTenant(evaluation: Evaluation, identity: Identity, tenant: string | null): void {
  const home = homeOf(identity)
  evaluation.tenancy =
    tenant === home.tenant
      ? home
      : {
          tenant,
          mismatch: false,
          pair: tenant === null ? home.pair : { user: identity.subject, organization: tenant },
        }
  evaluation.trace?.(
    'tenant',
    'passed',
    tenant === null ? 'no tenant is asked for' : `tenant ${tenant}`,
  )
}

/** Whether a guard asks for a tenant at all. */
function isOfTenant(
  guard: Guard,
): guard is Guard & { readonly tenant: Exclude<Guard['tenant'], { readonly kind: 'none' }> } {
  return guard.access === 'member' && guard.tenant.kind !== 'none'
}

function describeMismatch({ guards }: Evaluation, own: string | null): string {
  for (const guard of guards) {
    if (!isOfTenant(guard)) continue
    const named = guard.tenant.kind === 'claim' ? own : guard.tenant.value
    if (named === null) return 'the request names no tenant'
    if (own !== null && own !== named) return `the token is of ${own}, the request of ${named}`
  }
  return 'the policy and the rule of Envoy name different tenants'
}

/** Whether some platform role of the policy meets every rule; if none does, no fact is needed. */
function platformRoleCouldOpen({ guards, policy }: Evaluation): boolean {
  const holds = (permission: string): boolean => policy.platformPermissions.has(permission)
  return guards.every(({ access, requirement }) => access !== 'member' || isMet(requirement, holds))
}
