import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../../src/adapters/postgres/pool.ts'
import { betterAuthTables, flavours, runSql } from '../../support/better-auth-tables.ts'
import { eventually, timed } from '../../support/eventually.ts'
import { openAdapters, postgresTables } from '../../support/postgres-tables.ts'
import { freshDatabase, uniqueName } from '../../support/servers.ts'

const textTables = betterAuthTables({ adapter: 'drizzle', ids: 'text' })
const nobody = { user: 'u1', organization: 'org-a' }
const signal = new AbortController().signal

async function adaptersOn(url: string, options: Parameters<typeof openAdapters>[1] = {}) {
  const adapters = openAdapters(url, options)
  onTestFinished(adapters.database.close)
  return adapters
}

async function freshTables(): Promise<string> {
  const url = await freshDatabase('session')
  await runSql(url, textTables)
  return url
}

/** The URL with settings that a connection begins with, as an operator might put them there. */
function withSettings(url: string, settings: Readonly<Record<string, string>>): string {
  const changed = new URL(url)
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)
  changed.searchParams.set('options', options.join(' '))
  return changed.href
}

describe('a session', () => {
  it.each<[string, string]>([
    ['INSERT', `INSERT INTO users (id, name, email) VALUES ('x', 'x', 'x')`],
    ['UPDATE', `UPDATE users SET role = 'superadmin'`],
    ['DELETE', 'DELETE FROM members'],
    ['TRUNCATE', 'TRUNCATE members'],
    ['CREATE TABLE', 'CREATE TABLE x (id int)'],
    ['SELECT FOR UPDATE', 'SELECT * FROM users FOR UPDATE'],
    ['a data-modifying WITH', 'WITH gone AS (DELETE FROM users RETURNING 1) SELECT * FROM gone'],
    ['a new large object', 'SELECT lo_create(0)'],
  ])('cannot write where its role could: %s', async (_title, text) => {
    const url = await freshTables()
    const loosened = withSettings(url, { default_transaction_read_only: 'off' })
    for (const on of [url, loosened]) {
      const { database } = await adaptersOn(on)
      await expect(database.query({ name: 'write', text })).rejects.toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
        cause: { code: '25006' },
      })
    }
    await runSql(url, 'BEGIN; ' + text + '; ROLLBACK') // the role itself could
  })

  it('cannot write on any connection of the pool', async () => {
    const url = await freshTables()
    const { database } = await adaptersOn(url, { connections: 4 })
    const text = `SELECT pg_sleep(0.05), current_setting('transaction_read_only') AS read_only,
      pg_backend_pid() AS pid`
    const ask = () => database.query<{ pid: number; read_only: string }>({ name: 'state', text })
    const rows = await Promise.all([ask(), ask(), ask(), ask()])
    expect(new Set(rows.map(([row]) => row?.pid)).size).toBe(4)
    for (const [row] of rows) expect(row).toMatchObject({ read_only: 'on' })
  })

  it('keeps its settings over those of the role, the database and the URL', async () => {
    const url = await freshTables()
    const name = new URL(url).pathname.slice(1)
    const role = uniqueName('loose')
    await runSql(
      url,
      `CREATE ROLE ${role} LOGIN SUPERUSER;
       ALTER ROLE ${role} SET TimeZone = 'Asia/Tokyo';
       ALTER ROLE ${role} SET default_transaction_read_only = off;
       ALTER ROLE ${role} SET statement_timeout = 0;
       ALTER DATABASE ${name} SET TimeZone = 'America/New_York'`,
    )
    const asRole = new URL(url)
    asRole.username = role
    const loose = withSettings(asRole.href, { TimeZone: 'Asia/Tokyo', statement_timeout: '0' })
    const { database } = await adaptersOn(loose, { statementTimeoutMs: 1_234 })
    const text = `SELECT current_setting('TimeZone') AS zone, current_user::text AS role,
      current_setting('default_transaction_read_only') AS read_only,
      current_setting('statement_timeout') AS timeout,
      current_setting('application_name') AS application`
    expect(await database.query({ name: 'settings', text })).toEqual([
      { zone: 'UTC', role, read_only: 'on', timeout: '1234ms', application: 'tenantgate' },
    ])
  })

  it('gives a statement up after its time-out, and so does PostgreSQL', async () => {
    const url = await freshTables()
    const { database } = await adaptersOn(url, { statementTimeoutMs: 100 })
    await database.query({ name: 'warm', text: 'SELECT 1' })
    const { ms, error } = await timed(
      database.query({ name: 'slow', text: 'SELECT pg_sleep(20) AS slow_statement' }),
    )
    expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    expect(ms).toBeGreaterThan(80)
    expect(ms).toBeLessThan(1_000)
    await eventually(
      async () => {
        const running = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
          AND state = 'active' AND query LIKE '%slow_statement%' AND pid <> pg_backend_pid()`
        return (await runSql(url, running)).length === 0
      },
      { withinMs: 2_000 },
    )
    expect(await database.query({ name: 'warm', text: 'SELECT 1 AS one' })).toHaveLength(1)
  })

  it('prepares each statement once, under its name', async () => {
    const url = await freshTables()
    const { database, facts } = await adaptersOn(url, { connections: 1 })
    for (let count = 0; count < 3; count += 1) {
      await facts().read(nobody, signal)
      await facts({ dynamicRoles: true }).read(nobody, signal)
    }
    const text = `SELECT name, generic_plans + custom_plans AS runs FROM pg_prepared_statements
      WHERE name LIKE 'tenantgate_fact%' ORDER BY name`
    expect(await database.query({ name: 'prepared', text })).toEqual([
      { name: 'tenantgate_fact_text_text', runs: '3' },
      { name: 'tenantgate_fact_text_text_dynamic', runs: '3' },
    ])
  })
})

describe.each(flavours.filter(({ ids }) => ids === 'text'))(
  'with the $adapter tables, a ban is compared rightly',
  (flavour) => {
    it.each(['UTC', 'Asia/Tokyo', 'America/New_York'])('in a database of %s', async (zone) => {
      const tables = await postgresTables(flavour)
      onTestFinished(tables.close)
      const name = new URL(tables.url).pathname.slice(1)
      await runSql(tables.url, `ALTER DATABASE ${name} SET TimeZone = '${zone}'`)
      await tables.addUser({ id: 'banned', banned: true, banExpiresInS: 3_600 })
      await tables.addUser({ id: 'free again', banned: true, banExpiresInS: -3_600 })
      for (const [id, banned] of [
        ['banned', true],
        ['free again', false],
      ] as const) {
        const pair = { user: id, organization: null }
        const facts = tables.facts({ dynamicRoles: false })
        expect(await facts.read(pair, signal)).toMatchObject({ user: true, banned })
        expect(await tables.users.byId(id)).toMatchObject({ banned })
      }
      const inAnHour = (await tables.nowMs()) + 3_600_000
      const user = await tables.users.byId('banned')
      expect(Math.abs(Number(user?.banExpires) - inAnHour)).toBeLessThan(60_000)
    })
  },
)

describe('a database that cannot be reached is told as DATABASE_UNAVAILABLE, without its password,', () => {
  it.each<[string, (url: URL) => void]>([
    ['where nobody listens', (url) => (url.port = '1')],
    ['where the database does not exist', (url) => (url.pathname = '/no_such_database')],
    ['where the role does not exist', (url) => (url.username = 'no_such_role')],
    ['where the name does not resolve', (url) => (url.hostname = 'no-such-host.invalid')],
  ])('%s', async (_title, spoil) => {
    const url = new URL(await freshDatabase('session'))
    url.password = 'pass-word-of-the-test'
    spoil(url)
    const { facts } = await adaptersOn(url.href)
    const { error } = await timed(facts().read(nobody, signal))
    expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    expect((error as Error).message).not.toContain('pass-word')
  })

  it('at once where the pool was closed', async () => {
    const database = openDatabase({
      url: await freshDatabase('session'),
      statementTimeoutMs: 1_000,
      connections: 1,
      maxWaiting: 1,
      onFault: () => undefined,
    })
    await database.query({ name: 'one', text: 'SELECT 1' })
    await database.close()
    await expect(database.query({ name: 'one', text: 'SELECT 1' })).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
    })
  })
})
