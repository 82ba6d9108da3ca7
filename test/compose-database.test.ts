import { expect, it, onTestFinished } from 'vitest'
import { composeDatabase } from '../src/compose-database.ts'
import { betterAuthTables, runSql } from './support/better-auth-tables.ts'
import { until } from './support/poll.ts'
import { freshDatabase } from './support/servers.ts'

it('the database connects by itself, and tells faults that came before anybody listened', async () => {
  const databaseUrl = await freshDatabase('compose')
  await runSql(databaseUrl, betterAuthTables({ adapter: 'drizzle', ids: 'text' }))
  const { database, tellFaults } = composeDatabase({ databaseUrl, deadlineMs: 1_000, workers: 1 })
  onTestFinished(database.close)
  await until(() => database.usage().running === 0, { what: 'a schema that was read' })
  // It has ended, and its end was read, before the connection that asks for it is closed.
  const others = 'datname = current_database() AND pid <> pg_backend_pid()'
  const end = `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE ${others}`
  await runSql(databaseUrl, end)
  await until(() => database.query({ name: 'one', text: 'SELECT 1' }).catch(() => false), {
    what: 'a connection instead of the one that ended',
  })

  const faults: unknown[] = []
  tellFaults((cause) => faults.push(cause))
  expect(faults).toEqual([expect.objectContaining({ code: '57P01' })])
  tellFaults((cause) => faults.push(cause))
  expect(faults).toHaveLength(1)
})
