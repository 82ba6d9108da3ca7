import { AppError } from '../../domain/errors.ts'
import type { OrganizationRepository, UserPage } from '../../ports/organization-repository.ts'
import { idParameter } from './ids.ts'
import { createMemberColumnReader, type MemberColumn } from './member-columns.ts'
import type { Database } from './pool.ts'
import type { SchemaReader } from './schema.ts'
import { placeIn, toUser, userColumns, variantOf, type UserRow } from './user-rows.ts'

/** No row: not open. A row without a place: open, and nobody is in it. */
type PlacedRow = Omit<UserRow, 'id'> & {
  readonly id: string | null
  readonly place_id: string | null
}

/**
 * The keyset is the user's id, which an index of (user_id, organization_id) holds in order: one
 * never changes, and two rows of a member have the same, so nothing is skipped or told twice.
 */
const pageText = (from: string, has: ReadonlySet<MemberColumn>): string => `
  SELECT page.user_id::text AS place_id, ${userColumns}
  FROM organizations o
  LEFT JOIN LATERAL (
    SELECT m.user_id FROM members m WHERE m.organization_id = $1 ${from}
    GROUP BY m.user_id ORDER BY m.user_id LIMIT $4
  ) page ON true
  LEFT JOIN users u ON u.id = page.user_id
  LEFT JOIN LATERAL (${placeIn('$1', 'page.user_id', has)}) place ON true
  WHERE o.id = $1 AND ($3::boolean OR EXISTS (
    SELECT FROM members v WHERE v.organization_id = $1 AND v.user_id = $2))
  ORDER BY page.user_id`

/** Reads an organization's users page by page. */
export function createUsersOfOrganization(deps: {
  readonly database: Database
  readonly schema: SchemaReader
}): OrganizationRepository['usersOf'] {
  const columns = createMemberColumnReader(deps.database)
  return (organizationId, { after, asMember, limit }, signal) =>
    deps.schema.use(({ organizationIdType, userIdType }) =>
      columns.use(async (has) => {
        const values = [
          idParameter(organizationId, organizationIdType),
          idParameter(asMember, userIdType),
          asMember === null,
          limit + 1,
        ]
        const start = idParameter(after, userIdType)
        if (after !== null && start === null) {
          throw new AppError(
            'INPUT_INVALID',
            'a page of users begins after what is no id of a user',
          )
        }
        const name = `tenantgate_users_of_${start === null ? 'first' : 'next'}_${variantOf(has)}`
        const text = pageText(start === null ? '' : 'AND m.user_id > $5', has)
        const statement = { name, text, values: start === null ? values : [...values, start] }
        return toPage(await deps.database.query<PlacedRow>(statement, signal), limit)
      }),
    )
}

function toPage(rows: readonly PlacedRow[], limit: number): UserPage | undefined {
  if (rows.length === 0) return undefined
  const page = rows.slice(0, limit)
  return {
    // A member whose user is gone (a table without foreign keys) is nobody.
    users: page.flatMap((row) => (row.id === null ? [] : [toUser({ ...row, id: row.id })])),
    next: rows.length > limit ? (page.at(-1)?.place_id ?? null) : null,
  }
}
