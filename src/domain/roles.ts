/**
 * Roles as Better Auth stores them: one string, split on commas, trimmed, empties dropped
 * (1.7.7 writes `staff, viewer` with the space, later versions without).
 */
export function parseRoles(text: string): readonly string[] {
  const roles: string[] = []
  for (const part of text.split(',')) {
    const role = part.trim()
    if (role !== '' && !roles.includes(role)) roles.push(role)
  }
  return roles
}

/** The roles that every list holds, in the order of the first: what duplicate rows agree on. */
export function commonRoles(lists: readonly (readonly string[])[]): readonly string[] {
  const [first, ...others] = lists
  if (first === undefined) return []
  return first.filter((role) => others.every((list) => list.includes(role)))
}
