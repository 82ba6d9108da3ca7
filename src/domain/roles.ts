/** Texts whose roles are remembered, and the longest of them; beyond it all are forgotten. */
const maxRemembered = 4_096
const maxLength = 128
const remembered = new Map<string, readonly string[]>()

/**
 * Roles as Better Auth stores them: one string, split on commas, trimmed, empties dropped
 * (1.7.7 writes `staff, viewer` with the space, later versions without). Nearly all subjects share a few
 * texts, and so they share their lists, which nobody can change: a million lists of one role each would
 * be a million places in memory to look at.
 */
export function parseRoles(text: string): readonly string[] {
  const known = remembered.get(text)
  if (known !== undefined) return known
  const roles = Object.freeze(splitRoles(text))
  // Who owns an organization chooses its texts: neither long ones nor many may stay.
  if (text.length > maxLength) return roles
  if (remembered.size >= maxRemembered) remembered.clear()
  remembered.set(text, roles)
  return roles
}

const listsOfOne = new WeakMap<readonly string[], readonly (readonly string[])[]>()

/** The roles of each row of a member. Most have one row, and those of the same roles share the list. */
export function parseRows(texts: readonly string[]): readonly (readonly string[])[] {
  const [first, ...others] = texts
  if (first === undefined || others.length > 0) return texts.map(parseRoles)
  const roles = parseRoles(first)
  const known = listsOfOne.get(roles)
  if (known !== undefined) return known
  const rows = Object.freeze([roles])
  listsOfOne.set(roles, rows)
  return rows
}

function splitRoles(text: string): string[] {
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
