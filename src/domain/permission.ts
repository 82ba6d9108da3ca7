const name = '[A-Za-z0-9_][A-Za-z0-9_.-]*'
const literal = new RegExp(`^${name}(?::${name})*$`)
const wildcard = new RegExp(`^(?:\\*|${name}(?::${name})*:\\*)$`)

/** Whether this is one permission, as `leave:approve`. */
export function isPermission(text: string): boolean {
  return literal.test(text)
}

/** Whether this is a wildcard over permissions: `*`, or `leave:*` for all that start with `leave:`. */
export function isWildcard(text: string): boolean {
  return wildcard.test(text)
}

/** The permissions that a role's grants come to, wildcards resolved over the policy's universe. */
export function resolveGrants(
  grants: readonly string[],
  universe: readonly string[],
): ReadonlySet<string> {
  const held = new Set<string>()
  for (const grant of grants) {
    if (!isWildcard(grant)) {
      held.add(grant)
      continue
    }
    const prefix = grant.slice(0, -1)
    for (const permission of universe) if (permission.startsWith(prefix)) held.add(permission)
  }
  return held
}

/** What a route asks for: every permission of a list, or one of it. */
export interface Requirement {
  readonly quantifier: 'all' | 'any'
  readonly permissions: readonly string[]
}

/** Whether a requirement is met by whoever holds what `holds` says. A list that is empty is not. */
export function isMet(requirement: Requirement, holds: (permission: string) => boolean): boolean {
  const { quantifier, permissions } = requirement
  if (permissions.length === 0) return false
  return quantifier === 'all' ? permissions.every(holds) : permissions.some(holds)
}
