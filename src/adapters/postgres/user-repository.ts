import type { User, UserRepository } from '../../ports/user-repository.ts'
import { idParameter } from './ids.ts'
import type { Database } from './pool.ts'
import type { SchemaReader } from './schema.ts'

interface UserRow {
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
}

const selectUser = `
  SELECT u.id::text AS id, u.email, u.email_verified, u.name, u.image,
    u.is_anonymous IS TRUE AS is_anonymous, coalesce(u.role::text, 'user') AS role,
    (u.banned IS TRUE AND (u.ban_expires IS NULL OR u.ban_expires >= statement_timestamp())) AS banned,
    u.ban_reason, (extract(epoch FROM u.ban_expires) * 1000)::float8 AS ban_expires_ms
  FROM users u`

/** Reads users from Better Auth's `users` table. */
export function createPostgresUserRepository(deps: {
  readonly database: Database
  readonly schema: SchemaReader
}): UserRepository {
  async function one(name: string, where: string, value: string | null): Promise<User | undefined> {
    const text = `${selectUser} WHERE ${where}`
    const [row] = await deps.database.query<UserRow>({ name, text, values: [value] })
    return row && toUser(row)
  }
  return {
    byId: (id) =>
      deps.schema.use(({ userIdType }) =>
        one('tenantgate_user_by_id', 'u.id = $1', idParameter(id, userIdType)),
      ),
    byEmail: (email) =>
      deps.schema.use(() => one('tenantgate_user_by_email', 'u.email = $1', email)),
  }
}

function toUser(row: UserRow): User {
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
    banExpires: row.ban_expires_ms === null ? null : new Date(row.ban_expires_ms),
  }
}
