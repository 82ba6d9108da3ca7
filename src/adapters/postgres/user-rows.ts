import { commonRoles, parseRoles } from '../../domain/roles.ts'
import type { User, UserMembership } from '../../ports/user-repository.ts'
import type { MemberColumn } from './member-columns.ts'

/** A user of `users u`, with what `place` gathered of its `members` rows in one organization. */
export interface UserRow {
  readonly id: string
  readonly email: string
  readonly email_verified: boolean
  readonly name: string
  readonly image: string | null
  readonly is_anonymous: boolean
  readonly role: string
  readonly banned: boolean
  readonly ban_reason: string | null
  readonly ban_expires_ms: number | null
  readonly organization_id: string | null
  readonly member_roles: readonly string[] | null
  readonly manager_id: string | null
  readonly department_id: string | null
}

/** The columns of a `UserRow`, from `users u` and `place` (see `placeIn`). */
export const userColumns = `u.id::text AS id, u.email, u.email_verified, u.name, u.image,
    u.is_anonymous IS TRUE AS is_anonymous, coalesce(u.role::text, 'user') AS role,
    (u.banned IS TRUE AND (u.ban_expires IS NULL OR u.ban_expires >= statement_timestamp())) AS banned,
    u.ban_reason, (extract(epoch FROM u.ban_expires) * 1000)::float8 AS ban_expires_ms,
    place.organization_id, place.member_roles, place.manager_id, place.department_id`

/** A subselect of all `members` rows of a user in an organization, oldest first. */
export function placeIn(
  organization: string,
  user: string,
  has: ReadonlySet<MemberColumn>,
): string {
  const oldest = (column: MemberColumn): string =>
    has.has(column) ? `(array_agg(m.${column}::text ORDER BY m.created_at, m.id))[1]` : 'NULL::text'
  return `SELECT min(m.organization_id::text) AS organization_id,
      array_agg(coalesce(m.role::text, '') ORDER BY m.created_at, m.id) AS member_roles,
      ${oldest('manager_id')} AS manager_id, ${oldest('department_id')} AS department_id
    FROM members m WHERE m.organization_id = ${organization} AND m.user_id = ${user}`
}

/** What sets the texts of a statement apart: a name stands for one text on a connection. */
export const variantOf = (has: ReadonlySet<MemberColumn>): string =>
  `${Number(has.has('manager_id'))}${Number(has.has('department_id'))}`

/** The user of a row. */
export function toUser(row: UserRow): User {
  return {
    id: row.id,
    email: row.email,
    emailVerified: row.email_verified,
    name: row.name,
    image: row.image,
    isAnonymous: row.is_anonymous,
    role: row.role,
    banned: row.banned,
    banReason: row.ban_reason,
    banExpires: toDate(row.ban_expires_ms),
    membership: toMembership(row),
  }
}

function toMembership(row: UserRow): UserMembership | null {
  if (row.organization_id === null) return null
  return {
    organizationId: row.organization_id,
    roles: commonRoles((row.member_roles ?? []).map(parseRoles)),
    managerId: row.manager_id,
    departmentId: row.department_id,
  }
}

/** RFC 3339 has four digits for the year; what lies beyond, as `infinity`, is no date. */
const firstMs = Date.parse('0000-01-01T00:00:00.000Z')
const lastMs = Date.parse('9999-12-31T23:59:59.999Z')

function toDate(ms: number | null): Date | null {
  return ms !== null && ms >= firstMs && ms <= lastMs ? new Date(ms) : null
}
