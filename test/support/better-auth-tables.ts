import pg from 'pg'
import type { IdType } from '../../src/adapters/postgres/ids.ts'

/** Which of Better Auth's database adapters made the tables, and how ids are generated. */
export interface TableFlavour {
  readonly adapter: 'built-in' | 'drizzle'
  readonly ids: IdType
}

export const flavours: readonly TableFlavour[] = (['built-in', 'drizzle'] as const).flatMap(
  (adapter) => (['text', 'uuid', 'integer'] as const).map((ids) => ({ adapter, ids })),
)

/** Better Auth 1.7's tables as far as they matter here, in plural and snake_case. */
export function betterAuthTables({ adapter, ids }: TableFlavour): string {
  const drizzle = adapter === 'drizzle'
  const time = drizzle ? 'timestamp' : 'timestamptz'
  const createdAt = `created_at ${time} NOT NULL${drizzle ? ' DEFAULT now()' : ''}`
  const bool = drizzle ? 'boolean DEFAULT false' : 'boolean'
  const key = `id ${ids} NOT NULL PRIMARY KEY`
  const reference = (column: string, table: string): string =>
    `${column} ${ids} NOT NULL REFERENCES ${table} (id) ON DELETE CASCADE`
  return `
    CREATE TABLE users (${key}, name text NOT NULL, email text NOT NULL UNIQUE,
      email_verified boolean NOT NULL${drizzle ? ' DEFAULT false' : ''}, image text,
      created_at ${time} NOT NULL DEFAULT now(), updated_at ${time} NOT NULL DEFAULT now(), role text, banned ${bool},
      ban_reason text, ban_expires ${time}, is_anonymous ${bool});
    CREATE TABLE organizations (${key}, name text NOT NULL, slug text NOT NULL UNIQUE, logo text,
      ${createdAt}, metadata text);
    CREATE TABLE members (${key}, ${reference('organization_id', 'organizations')},
      ${reference('user_id', 'users')}, role text${drizzle ? " DEFAULT 'member'" : ''} NOT NULL,
      ${createdAt}, manager_id text, department_id text);
    CREATE TABLE organization_roles (${key}, ${reference('organization_id', 'organizations')},
      role text NOT NULL, permission text NOT NULL,
      created_at ${time} NOT NULL DEFAULT now(), updated_at ${time});
    CREATE TABLE ${drizzle ? 'jwkss' : 'jwks'} (id text NOT NULL PRIMARY KEY,
      public_key text NOT NULL, private_key text NOT NULL, ${createdAt}, expires_at ${time},
      alg text, crv text);
    CREATE INDEX ON members (organization_id);
    CREATE INDEX ON members (user_id);
    CREATE INDEX ON organization_roles (organization_id);`
}

/** Runs SQL as the database's owner, on a connection of its own. */
export async function runSql(
  url: string,
  sql: string,
  values?: readonly unknown[],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined) // a server that is stopped in between is the test's business
  await client.connect()
  try {
    const result = await client.query<Record<string, unknown>>(
      sql,
      values === undefined ? undefined : [...values],
    )
    return result.rows
  } finally {
    await client.end()
  }
}

/** Seconds from now as the column holds it: an instant, or UTC wall clock without a zone. */
export const timeFromNow = ({ adapter }: TableFlavour, seconds: number): string =>
  `(now()${adapter === 'drizzle' ? " AT TIME ZONE 'UTC'" : ''} + interval '${seconds} seconds')`
