import pg from 'pg'
import { dropDatabase } from '../../src/adapters/servers/postgres.ts'
import { freshDatabase, servers } from '../support/servers.ts'
import { startAuth, type AuthProcess, type Runtime } from './auth-process.ts'

/** The names that SQL in a test needs. */
export const sqlNames = {
  snake: {
    ...{ users: 'users', members: 'members', organizations: 'organizations' },
    ...{ userId: 'user_id', organizationId: 'organization_id' },
  },
  camel: {
    ...{ users: '"user"', members: 'member', organizations: 'organization' },
    ...{ userId: '"userId"', organizationId: '"organizationId"' },
  },
}

export interface TestDatabase {
  readonly url: string
  readonly sql: (
    text: string,
    values?: unknown[],
  ) => Promise<pg.QueryResult<Record<string, string>>>
  /** How many changes wait in the outbox. */
  readonly waiting: () => Promise<number>
  readonly close: () => Promise<void>
}

/** An empty database of one's own. */
export async function makeDatabase(): Promise<TestDatabase> {
  const url = await freshDatabase('plugin')
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  pool.on('error', () => undefined)
  return {
    url,
    sql: (text, values) => pool.query<Record<string, string>>(text, values),
    async waiting() {
      const { rows } = await pool.query<{ n: number }>(
        'select count(*)::int n from tenantgate.outbox',
      )
      return rows[0]?.n ?? NaN
    },
    async close() {
      await pool.end()
      await dropDatabase(servers().postgresUrl, new URL(url).pathname.slice(1))
    },
  }
}

export interface Account {
  readonly id: string
  readonly session: string
  readonly email: string
}

/** Signs somebody up. */
export async function signUp({ call }: AuthProcess, name: string): Promise<Account> {
  const email = `${name}@example.com`
  const body = { name, email, password: 'correct horse battery staple' }
  const { token, user } = await call<{ token: string; user: { id: string } }>('/sign-up/email', {
    body,
  })
  return { id: user.id, session: token, email }
}

/** An organization; who creates it is its owner. */
export async function found({ call }: AuthProcess, owner: Account, slug: string): Promise<string> {
  const body = { name: slug, slug }
  return (await call<{ id: string }>('/organization/create', { body, session: owner.session })).id
}

export { startAuth, type AuthProcess, type Runtime }
