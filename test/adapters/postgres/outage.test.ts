import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres, type PostgresServer } from '../../../src/adapters/servers/postgres.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { betterAuthTables, runSql } from '../../support/better-auth-tables.ts'
import { during, eventually, timed } from '../../support/eventually.ts'
import { openAdapters, type Adapters } from '../../support/postgres-tables.ts'

const pair = { user: 'u1', organization: 'org-a' }
const signal = new AbortController().signal

let server: PostgresServer
let adapters: Adapters

beforeAll(async () => {
  const binaries = await ensureWheels()
  server = await startPostgres({
    binaries,
    settings: { log_statement: 'all', log_min_messages: 'log' },
  })
  await runSql(server.url, betterAuthTables({ adapter: 'drizzle', ids: 'text' }))
  await runSql(
    server.url,
    `INSERT INTO users (id, name, email) VALUES ('u1', 'u', 'u');
     INSERT INTO organizations (id, name, slug) VALUES ('org-a', 'a', 'a');
     INSERT INTO members (id, user_id, organization_id, role) VALUES ('m', 'u1', 'org-a', 'staff');
     INSERT INTO organization_roles (id, organization_id, role, permission)
       VALUES ('r', 'org-a', 'staff', '{"leave":["read"]}')`,
  )
  adapters = openAdapters(server.url, { timeoutMs: 400, statementTimeoutMs: 300, connections: 2 })
})
afterAll(async () => {
  await adapters.database.close()
  await server.close()
})

const read = () => adapters.facts({ dynamicRoles: true }).read(pair, signal)

/** The statements that the server has logged since something was in its log. */
function statementsAfter(mark: string): readonly string[] {
  const log = server.log()
  return log
    .slice(log.lastIndexOf(mark) + mark.length)
    .split('\n')
    .flatMap((line) => /LOG: {2}((?:statement|execute) ?[^:]*):/.exec(line)?.[1] ?? [])
}

describe('a fact', () => {
  it('is read whole by one statement, outside a transaction', async () => {
    expect(await read()).toMatchObject({
      rows: [['staff']],
      dynamic: new Map([['staff', ['leave:read']]]),
    })
    await runSql(server.url, `SELECT 'mark'`)
    await eventually(() => server.log().includes(`SELECT 'mark'`))
    for (let count = 0; count < 3; count += 1) await read()
    await runSql(server.url, `SELECT 'end'`)
    await eventually(() => server.log().includes(`SELECT 'end'`))
    expect(statementsAfter(`SELECT 'mark'`)).toEqual([
      'execute tenantgate_fact_text_text_dynamic',
      'execute tenantgate_fact_text_text_dynamic',
      'execute tenantgate_fact_text_text_dynamic',
      'statement',
    ])
  })
})

describe('a server that is stopped and started again', () => {
  it('makes reads reject in time meanwhile, and answers again without a restart of ours', async () => {
    expect(await read()).toMatchObject({ user: true })
    await server.stop()
    await during(300, async () => {
      const { ms, error } = await timed(read())
      expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
      expect(ms).toBeLessThan(1_000)
    })
    await server.start()
    await eventually(async () => (await read()).user)
    expect(await read()).toMatchObject({ rows: [['staff']] })
  })

  it('ends idle connections without a fault that nobody hears', async () => {
    await Promise.all([read(), read()])
    adapters.faults.length = 0
    await server.stop()
    await eventually(() => adapters.faults.length > 0)
    await server.start()
    await eventually(async () => (await read()).user)
  })

  it('that takes no connections makes reads on new ones reject in time', async () => {
    const other = openAdapters(server.url, { timeoutMs: 100, statementTimeoutMs: 80 })
    server.pause() // the postmaster alone: it accepts nobody any more
    try {
      const { ms, error } = await timed(other.facts().read(pair, signal))
      expect(error).toBeDefined()
      expect(ms).toBeLessThan(1_000)
    } finally {
      server.resume()
    }
    await eventually(async () => (await other.facts().read(pair, signal)).user)
    await other.database.close()
  })
})
