import { expect, it, onTestFinished } from 'vitest'
import { createPostgresOrganizationRepository } from '../../../src/adapters/postgres/organization-repository.ts'
import { createPostgresUserRepository } from '../../../src/adapters/postgres/user-repository.ts'
import { betterAuthTables, runSql } from '../../support/better-auth-tables.ts'
import { factOf } from '../../support/builders.ts'
import { eventually, timed } from '../../support/eventually.ts'
import { memoryTables } from '../../support/memory-tables.ts'
import { openAdapters } from '../../support/postgres-tables.ts'
import { freshDatabase } from '../../support/servers.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { startUsersApi } from '../../support/users-api.ts'

const paths = [
  '/api/v1/users/u1',
  '/api/v1/users/email/u1@example.com',
  '/api/v1/organizations/o1/users',
]
const u1 = { user: 'u1', organization: 'o1' }

/** The API over PostgreSQL behind a proxy; facts are known without it, as from memory. */
async function apiBehindProxy(timeoutMs: number) {
  const url = await freshDatabase('users')
  await runSql(url, betterAuthTables({ adapter: 'built-in', ids: 'text' }))
  await runSql(
    url,
    `INSERT INTO users (id, name, email, email_verified) VALUES ('u1', 'u', 'u1@example.com', true);
     INSERT INTO organizations (id, name, slug, created_at) VALUES ('o1', 'o', 'o', now());
     INSERT INTO members (id, user_id, organization_id, role, created_at)
       VALUES ('m1', 'u1', 'o1', 'owner', now())`,
  )
  const proxy = await startTcpProxy(url)
  const adapters = openAdapters(proxy.url, { statementTimeoutMs: 200 })
  const tables = {
    ...memoryTables(),
    users: createPostgresUserRepository(adapters),
    organizations: createPostgresOrganizationRepository(adapters),
  }
  const deps = { readFact: async () => factOf(['owner']) }
  const api = await startUsersApi(tables, { timeoutMs, deps })
  onTestFinished(async () => {
    await api.close()
    await adapters.database.close()
    await proxy.close()
  })
  const ask = async () => Promise.all(paths.map((path) => api.get(path, u1)))
  return { api, ask, proxy, url }
}

it.each([
  ['the statement’s time', 5_000],
  ['the request’s time', 100],
])('a database that vanishes is 503 within %s, and 200 once it is back', async (_t, timeoutMs) => {
  const { api, ask, proxy } = await apiBehindProxy(timeoutMs)
  await eventually(async () => (await ask()).every(({ status }) => status === 200))
  proxy.swallow()
  const { ms, value } = await timed(ask())
  for (const answer of value ?? []) {
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(answer.json).toMatchObject({ type: 'urn:tenantgate:unavailable', status: 503 })
  }
  expect(value).toHaveLength(3)
  expect(ms).toBeLessThan(2_500)
  expect(api.faults.length).toBeGreaterThanOrEqual(3)
  proxy.heal()
  await eventually(async () => (await ask()).every(({ status }) => status === 200))
})

it('a statement that takes too long is given up, and 503', async () => {
  const { ask, url } = await apiBehindProxy(5_000)
  await eventually(async () => (await ask()).every(({ status }) => status === 200))
  const locked = runSql(
    url,
    'BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5); COMMIT',
  )
  await eventually(async () => {
    const [row] = await runSql(
      url,
      `SELECT 1 AS held FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted
         AND relation = 'users'::regclass`,
    )
    return row !== undefined
  })
  const { ms, value } = await timed(ask())
  expect(value?.map(({ status }) => status)).toEqual([503, 503, 503])
  expect(ms).toBeLessThan(1_400)
  await locked
  await eventually(async () => (await ask()).every(({ status }) => status === 200))
})
