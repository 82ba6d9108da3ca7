import pg from 'pg'
import { betterAuthTables } from './better-auth-tables.ts'

/** A user in an organization. */
export interface Person {
  readonly user: string
  readonly organization: string
}

/** Better Auth's tables as the truth that grants are held against. Every change is one commit. */
export interface People {
  /** Adds users with this role, each in an organization of its own unless one is named. */
  readonly add: (
    count: number,
    options?: { readonly role?: string; readonly organization?: string },
  ) => Promise<readonly Person[]>
  readonly setRole: (person: Person, role: string) => Promise<void>
  readonly leave: (person: Person) => Promise<void>
  readonly join: (person: Person, role: string) => Promise<void>
  readonly setBanned: (user: string, banned: boolean) => Promise<void>
  readonly setOrganizationRole: (organization: string, role: string) => Promise<void>
  readonly deleteUser: (user: string) => Promise<void>
  readonly sql: (text: string, values?: readonly unknown[]) => Promise<pg.QueryResult>
  readonly close: () => Promise<void>
}

/** Makes the tables in an empty database; ids begin with `prefix`, as servers are shared. */
export async function createPeople(databaseUrl: string, prefix: string): Promise<People> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 })
  pool.on('error', () => undefined) // a server that is stopped in between is the test's business
  await pool.query(betterAuthTables({ adapter: 'built-in', ids: 'text' }))
  await pool.query('CREATE INDEX idx_members_user_org ON members (user_id, organization_id)')
  let made = 0
  const change = async (text: string, ...values: readonly string[]): Promise<void> => {
    await pool.query(text, [...values])
  }
  return {
    async add(count, { role = 'staff', organization } = {}) {
      const people = Array.from({ length: count }, () => {
        made += 1
        return { user: `${prefix}-u${made}`, organization: organization ?? `${prefix}-o${made}` }
      })
      const users = people.map(({ user }) => user)
      const organizations = people.map((person) => person.organization)
      await pool.query(
        `INSERT INTO users (id, name, email, email_verified, role)
          SELECT u, u, u || '@example.com', true, 'user' FROM unnest($1::text[]) AS u`,
        [users],
      )
      await pool.query(
        `INSERT INTO organizations (id, name, slug, created_at)
          SELECT DISTINCT o, o, o, now() FROM unnest($1::text[]) AS o ON CONFLICT DO NOTHING`,
        [organizations],
      )
      await pool.query(
        `INSERT INTO members (id, organization_id, user_id, role, created_at)
          SELECT u || '-' || o, o, u, $3, now() FROM unnest($1::text[], $2::text[]) AS a (u, o)`,
        [users, organizations, role],
      )
      return people
    },
    setRole: ({ organization, user }, role) =>
      change(
        'UPDATE members SET role = $1 WHERE user_id = $2 AND organization_id = $3',
        ...[role, user, organization],
      ),
    leave: ({ organization, user }) =>
      change(
        'DELETE FROM members WHERE user_id = $1 AND organization_id = $2',
        ...[user, organization],
      ),
    join: ({ organization, user }, role) =>
      change(
        `INSERT INTO members (id, organization_id, user_id, role, created_at)
          VALUES ($2::text || '-' || $1, $1, $2, $3, now())`,
        ...[organization, user, role],
      ),
    setBanned: (user, banned) =>
      change('UPDATE users SET banned = $1::boolean WHERE id = $2', String(banned), user),
    setOrganizationRole: (organization, role) =>
      change('UPDATE members SET role = $1 WHERE organization_id = $2', role, organization),
    deleteUser: (user) => change('DELETE FROM users WHERE id = $1', user),
    sql: (text, values) => pool.query(text, values === undefined ? undefined : [...values]),
    close: () => pool.end(),
  }
}
