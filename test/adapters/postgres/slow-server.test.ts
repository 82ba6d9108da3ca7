import pg from 'pg'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { betterAuthTables, runSql } from '../../support/better-auth-tables.ts'
import { during, eventually, timed } from '../../support/eventually.ts'
import { openAdapters } from '../../support/postgres-tables.ts'
import { freshDatabase } from '../../support/servers.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const pair = { user: 'u1', organization: 'org-a' }
const signal = new AbortController().signal
const unavailable = /^(DATABASE|FACTS)_UNAVAILABLE$/
const limits = { timeoutMs: 80, statementTimeoutMs: 60, connections: 3, maxWaiting: 10 }

let url: string
beforeAll(async () => {
  url = await freshDatabase('slow')
  await runSql(url, betterAuthTables({ adapter: 'built-in', ids: 'text' }))
  await runSql(
    url,
    `INSERT INTO users (id, name, email, email_verified) VALUES ('u1', 'u', 'u', true)`,
  )
})

function adaptersOn(onUrl: string, options: Parameters<typeof openAdapters>[1] = {}) {
  const adapters = openAdapters(onUrl, { ...limits, ...options })
  onTestFinished(adapters.database.close)
  const facts = adapters.facts()
  return { ...adapters, read: () => facts.read(pair, signal) }
}

async function proxied() {
  const proxy = await startTcpProxy(url)
  const adapters = adaptersOn(proxy.url)
  onTestFinished(proxy.close)
  return { proxy, ...adapters }
}

/** Keeps everybody from reading users, until it is released. */
async function lockUsers(): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE')
  let locked = true
  const release = async (): Promise<void> => {
    if (locked) await client.end()
    locked = false
  }
  onTestFinished(release)
  return release
}

const waitingStatements = async (): Promise<number> => {
  const sql = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'tenantgate' AND state = 'active'`
  return (await runSql(url, sql)).length
}

describe('a server that does not answer in time', () => {
  it('behind a lock: reads reject in time, PostgreSQL keeps none of them, and it recovers', async () => {
    const { read } = adaptersOn(url)
    await eventually(read)
    const release = await lockUsers()
    const results = await Promise.all(Array.from({ length: 5 }, () => timed(read())))
    for (const { ms, error } of results) {
      expect(error).toMatchObject({ code: expect.stringMatching(unavailable) as string })
      expect(ms).toBeLessThan(400)
    }
    await eventually(async () => (await waitingStatements()) === 0, { withinMs: 2_000 })
    await release()
    await eventually(async () => (await read()).user)
  })

  it('is not asked by more than may wait: the others are refused at once', async () => {
    const { read } = adaptersOn(url, {
      connections: 2,
      maxWaiting: 3,
      timeoutMs: 1_000,
      statementTimeoutMs: 800,
    })
    expect(await read()).toMatchObject({ user: true })
    const release = await lockUsers()
    const results = await Promise.all(Array.from({ length: 12 }, () => timed(read())))
    const refused = results.filter(({ ms }) => ms < 400)
    expect(refused.length).toBeGreaterThanOrEqual(12 - 2 - 3)
    expect(refused.length).toBeLessThan(12)
    for (const { error } of refused) expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    await release()
  })

  it('does not keep the places of those who gave up waiting, nor is it asked for them later', async () => {
    const adapters = { connections: 1, maxWaiting: 3, timeoutMs: 100, statementTimeoutMs: 2_000 }
    const { read, database } = adaptersOn(url, adapters)
    await eventually(read)
    const release = await lockUsers()
    for (let round = 0; round < 3; round += 1) {
      const results = await Promise.all(Array.from({ length: 3 }, () => timed(read())))
      for (const { error } of results) expect(error).toMatchObject({ code: 'FACTS_UNAVAILABLE' })
    }
    await release()
    const runs = `SELECT (generic_plans + custom_plans)::int AS runs FROM pg_prepared_statements
      WHERE name = 'tenantgate_fact_text_text'`
    const [row] = await database.query<{ runs: number }>({ name: 'runs', text: runs })
    // The one at the start, and the one that had begun before the others waited.
    expect(row?.runs).toBe(2)
  })

  it('that vanished: reads reject in time, connections do not pile up, and it recovers', async () => {
    const { proxy, read } = await proxied()
    await eventually(() => Promise.all([read(), read(), read()]))
    expect(proxy.open()).toBeLessThanOrEqual(limits.connections)

    proxy.swallow()
    await during(1_200, async () => {
      const results = await Promise.all(Array.from({ length: 20 }, () => timed(read())))
      for (const { ms, error } of results) {
        expect(error).toMatchObject({ code: expect.stringMatching(unavailable) as string })
        expect(ms).toBeLessThan(400)
      }
      expect(proxy.open()).toBeLessThanOrEqual(limits.connections)
    })
    expect(proxy.opened()).toBeLessThan(30)

    proxy.heal()
    await eventually(async () => (await read()).user, { withinMs: 5_000, everyMs: 50 })
    await eventually(() => Promise.all([read(), read(), read()]))
    expect(proxy.open()).toBeLessThanOrEqual(limits.connections)
  })

  it('that was never there: reads reject in time, and it is found when it comes', async () => {
    const proxy = await startTcpProxy(url)
    proxy.swallow()
    const { read } = adaptersOn(proxy.url)
    onTestFinished(proxy.close)
    const { ms, error } = await timed(read())
    expect(error).toMatchObject({ code: expect.stringMatching(unavailable) as string })
    expect(ms).toBeLessThan(400)
    proxy.heal()
    await eventually(async () => (await read()).user, { withinMs: 5_000, everyMs: 50 })
  })

  it('that vanished does not keep the pool from closing', async () => {
    const proxy = await startTcpProxy(url)
    const { database, facts } = openAdapters(proxy.url, limits)
    await eventually(() => facts().read(pair, signal))
    proxy.swallow()
    const reading = timed(facts().read(pair, signal))
    expect((await timed(database.close())).ms).toBeLessThan(3_000)
    expect((await reading).error).toBeDefined()
    await proxy.close()
  })
})

describe('a read', () => {
  it('rejects as soon as its signal aborts, however long it may take', async () => {
    const { read, facts } = adaptersOn(url, { timeoutMs: 20_000, statementTimeoutMs: 15_000 })
    await read()
    const release = await lockUsers()
    const aborter = new AbortController()
    const reading = timed(facts().read(pair, aborter.signal))
    setTimeout(() => aborter.abort(), 50)
    const { ms, error } = await reading
    expect(error).toBeDefined()
    expect(ms).toBeLessThan(1_000)
    await release()
  })

  it.each([26.4, 79.2, 80.80000000000001, 120])(
    'works with a time-out of %d ms, as TENANTGATE_DEADLINE times a share comes out',
    async (timeoutMs) => {
      const { read, facts } = adaptersOn(url, { timeoutMs: 5_000 })
      await read()
      const precise = adaptersOn(url, { timeoutMs })
      const { error } = await timed(precise.read())
      // It may come too late for so short a time, but for no other reason.
      if (error !== undefined) expect(error).toMatchObject({ code: 'FACTS_UNAVAILABLE' })
      expect(facts).toBeDefined()
    },
  )
})

it('a statement for which there is no time, or no room, fails as all others do', async () => {
  const { database } = adaptersOn(url, { connections: 1, maxWaiting: 0 })
  const statement = { name: 'one', text: 'SELECT 1' }
  const late = database.query(statement, AbortSignal.abort())
  await expect(late).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
  const first = database.query(statement)
  const second = database.query(statement)
  await expect(second).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
  expect(await first).toHaveLength(1)
})
