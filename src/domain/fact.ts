import { isPermission } from './permission.ts'
import { parseRoles, parseRows } from './roles.ts'

/** Where a fact was read. */
export type FactSource = 'claims' | 'memory' | 'redis' | 'postgres'

/** The pair a fact is about. `organization` is null where only the user matters. */
export interface Pair {
  readonly user: string
  readonly organization: string | null
}

/** What is known of a subject in an organization, and since when. */
export interface Fact {
  /** Whether the user exists. */
  readonly user: boolean
  /** Banned now: the ban's expiry was compared by PostgreSQL, by its own clock. */
  readonly banned: boolean
  /** Roles of each `members` row; none: not a member. Better Auth allows several rows. */
  readonly rows: readonly (readonly string[])[]
  /** Permissions of the organization's dynamic roles (`organization_roles`), by role. */
  readonly dynamic: ReadonlyMap<string, readonly string[]>
  readonly platformRoles: readonly string[]
  readonly source: FactSource
  /** When the statement that read it began, by PostgreSQL's clock; of claims, `iat`. In ms. */
  readonly verifiedAtMs: number
}

/** The columns a fact is made from, as they stand in Better Auth's tables. */
export interface FactRows {
  /** Null: no such user. */
  readonly user: { readonly role: string | null; readonly banned: boolean } | null
  /** `members.role` of each row. */
  readonly memberRoles: readonly string[]
  readonly dynamicRoles: readonly { readonly role: string; readonly permission: string }[]
  readonly verifiedAtMs: number
}

/**
 * A pair that is asked for again and again. A class, so that its key is made once and found at the same
 * place in each: a flat text whose hash is known costs a look-up nothing. It is the tenancy of its own
 * organization, too: a second object would be a second place in memory to look at.
 */
export class KeyedPair implements Pair {
  readonly user: string
  readonly organization: string | null
  readonly #key: string
  /** What a memory last found under it, for that memory alone to know what it is still worth. */
  #found: unknown

  constructor(user: string, organization: string | null) {
    this.user = user
    this.organization = organization
    this.#key = [user, organization ?? ''].join('\u0000')
  }

  get key(): string {
    return this.#key
  }

  get tenant(): string | null {
    return this.organization
  }

  get mismatch(): false {
    return false
  }

  get pair(): Pair {
    return this
  }

  get found(): unknown {
    return this.#found
  }

  set found(found: unknown) {
    this.#found = found
  }
}

/** Makes a pair that many requests will ask for. */
export function keyedPair(user: string, organization: string | null): KeyedPair {
  return new KeyedPair(user, organization)
}

/** Names a pair in maps and logs; ids hold no such byte. */
export function pairKey(pair: Pair): string {
  if (pair instanceof KeyedPair) return pair.key
  return `${pair.user}\u0000${pair.organization ?? ''}`
}

/** Makes a fact from rows. `users.role` NULL counts as `user`, Better Auth's default role. */
export function factFromRows(rows: FactRows, source: FactSource): Fact {
  const { user } = rows
  return {
    user: user !== null,
    banned: user?.banned ?? false,
    rows: user === null ? [] : parseRows(rows.memberRoles),
    dynamic: dynamicRoles(rows),
    platformRoles: user === null ? [] : parseRoles(user.role ?? 'user'),
    source,
    verifiedAtMs: rows.verifiedAtMs,
  }
}

/** Shared: a map of its own would be the largest part of a fact in memory. */
const noDynamicRoles: ReadonlyMap<string, readonly string[]> = new Map()

/** Of an organization's dynamic roles, those that the subject holds: no other can matter. */
function dynamicRoles(rows: FactRows): ReadonlyMap<string, readonly string[]> {
  if (rows.dynamicRoles.length === 0) return noDynamicRoles
  const roles = new Map<string, readonly string[]>()
  const held = new Set(rows.memberRoles.flatMap(parseRoles))
  for (const { role, permission } of rows.dynamicRoles) {
    if (!held.has(role)) continue
    // Better Auth has no unique index here and unites the rows of one role. Nor does anything keep an
    // organization's owner from writing a permission down a thousand times.
    const united = [...(roles.get(role) ?? []), ...parseDynamicPermissions(permission)]
    roles.set(role, [...new Set(united)])
  }
  return roles
}

/**
 * Whether a reading of PostgreSQL bears out what was believed before. Of a claim that is the
 * organization role alone: it says nothing else.
 */
export function confirms(reading: Fact, believed: Fact): boolean {
  if (believed.source !== 'claims') return isSameFact(reading, believed)
  const claimed = believed.rows[0]?.toSorted().join()
  return (
    reading.user &&
    !reading.banned &&
    reading.rows.length > 0 &&
    reading.rows.every((row) => row.toSorted().join() === claimed)
  )
}

/** Whether two readings say the same of a subject; PostgreSQL gives rows in any order. */
function isSameFact(a: Fact, b: Fact): boolean {
  return (
    a.user === b.user &&
    a.banned === b.banned &&
    sameLists(a.rows, b.rows) &&
    sameTexts(a.platformRoles, b.platformRoles) &&
    a.dynamic.size === b.dynamic.size &&
    [...a.dynamic].every(([role, permissions]) => {
      const others = b.dynamic.get(role)
      return others !== undefined && sameLists([permissions.toSorted()], [others.toSorted()])
    })
  )
}

/** Whether two lists hold the same texts in the same order. */
export function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, index) => text === b[index]))
}

/** Roles hold no commas, so joined lists are equal where the lists are. */
function sameLists(a: readonly (readonly string[])[], b: readonly (readonly string[])[]): boolean {
  if (a.length !== b.length) return false
  if (a.every((list, index) => sameTexts(list, b[index] ?? []))) return true
  const [first, second] = [a, b].map((lists) => lists.map((list) => list.join()).sort())
  return first !== undefined && first.every((list, index) => list === second?.[index])
}

/**
 * The permissions of an `organization_roles` row, from JSON as `{"leave":["approve"]}`. Wildcards
 * are no permissions here, and what is not of that shape grants nothing at all.
 */
export function parseDynamicPermissions(json: string): readonly string[] {
  let statements: unknown
  try {
    statements = JSON.parse(json)
  } catch {
    return [] // unreadable: grants nothing
  }
  if (typeof statements !== 'object' || statements === null || Array.isArray(statements)) return []
  const permissions: string[] = []
  for (const [resource, actions] of Object.entries(statements)) {
    if (!Array.isArray(actions)) return []
    for (const action of actions as readonly unknown[]) {
      if (typeof action !== 'string') return []
      const permission = `${resource}:${action}`
      if (isPermission(permission)) permissions.push(permission)
    }
  }
  return permissions
}
