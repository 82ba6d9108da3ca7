import type { Fact } from './fact.ts'
import type { Policy } from './policy.ts'

/**
 * Every permission that a subject holds in the fact's organization, wildcards resolved, sorted and
 * distinct: what `judge` would grant on a route that asks for it. None for whom steps 8 and 9 refuse.
 */
export function effectivePermissions(policy: Policy, fact: Fact): readonly string[] {
  if (!fact.user || fact.banned) return []
  const held = new Set<string>()
  for (const role of fact.platformRoles) {
    for (const permission of policy.platformRoles.get(role) ?? []) held.add(permission)
  }
  // Better Auth allows several rows for one member: only what every row grants holds.
  const [first, ...others] = fact.rows.map((roles) => grantsOf(policy, fact, roles))
  for (const permission of first ?? []) {
    if (others.every((grants) => grants.has(permission))) held.add(permission)
  }
  return [...held].sort()
}

/** What the roles of one `members` row grant together. */
function grantsOf(policy: Policy, fact: Fact, roles: readonly string[]): ReadonlySet<string> {
  const grants = new Set<string>()
  for (const role of roles) {
    for (const permission of policy.roles.get(role) ?? []) grants.add(permission)
    if (!policy.definition.dynamicRoles) continue
    for (const permission of fact.dynamic.get(role) ?? []) grants.add(permission)
  }
  return grants
}
