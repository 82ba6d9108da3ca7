import type { Perspective, User, UserRepository } from '../../ports/user-repository.ts'
import { idParameter } from './ids.ts'
import { createMemberColumnReader, type MemberColumn } from './member-columns.ts'
import type { Database } from './pool.ts'
import type { SchemaReader } from './schema.ts'
import { placeIn, toUser, userColumns, variantOf, type UserRow } from './user-rows.ts'

/**
 * A user with one membership: of all organizations, or of those that `$2` is in too, the preferred
 * one or else the one joined first. Nobody's perspective (`$2` and `$3` empty) tells none.
 */
const userText = (key: 'id' | 'email', has: ReadonlySet<MemberColumn>): string => `
  SELECT ${userColumns}
  FROM users u
  LEFT JOIN LATERAL (
    SELECT m.organization_id FROM members m
    WHERE m.user_id = u.id AND ($3::boolean OR EXISTS (
      SELECT FROM members v WHERE v.user_id = $2 AND v.organization_id = m.organization_id))
    ORDER BY (m.organization_id = $4) IS NOT TRUE, m.created_at, m.id LIMIT 1
  ) via ON true
  LEFT JOIN LATERAL (${placeIn('via.organization_id', 'u.id', has)}) place ON true
  WHERE u.${key} = $1`

/** Reads users from Better Auth's `users` table, and their places from `members`. */
export function createPostgresUserRepository(deps: {
  readonly database: Database
  readonly schema: SchemaReader
}): UserRepository {
  const columns = createMemberColumnReader(deps.database)

  function one(
    key: 'id' | 'email',
    value: string,
    perspective: Perspective | undefined,
    signal: AbortSignal | undefined,
  ): Promise<User | undefined> {
    return deps.schema.use(({ organizationIdType, userIdType }) =>
      columns.use(async (has) => {
        const statement = {
          name: `tenantgate_user_by_${key}_${variantOf(has)}`,
          text: userText(key, has),
          values: [
            key === 'id' ? idParameter(value, userIdType) : value,
            idParameter(perspective?.sharedWith ?? null, userIdType),
            perspective?.sharedWith === null,
            idParameter(perspective?.preferred ?? null, organizationIdType),
          ],
        }
        const [row] = await deps.database.query<UserRow>(statement, signal)
        return row && toUser(row)
      }),
    )
  }
  return {
    byId: (id, perspective, signal) => one('id', id, perspective, signal),
    byEmail: (email, perspective, signal) => one('email', email, perspective, signal),
  }
}
