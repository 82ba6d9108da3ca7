import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createJwksTable } from '../../../src/adapters/postgres/jwks-table.ts'
import { createPostgresOrganizationRepository } from '../../../src/adapters/postgres/organization-repository.ts'
import { createPostgresUserRepository } from '../../../src/adapters/postgres/user-repository.ts'
import { betterAuthTables, flavours, runSql } from '../../support/better-auth-tables.ts'
import { timed } from '../../support/eventually.ts'
import { openAdapters } from '../../support/postgres-tables.ts'
import { freshDatabase, uniqueName } from '../../support/servers.ts'

/** All that the service ever needs of Better Auth's tables: SELECT on these columns. */
const factColumns: Readonly<Record<string, readonly string[]>> = {
  users: ['id', 'role', 'banned', 'ban_expires'],
  members: ['user_id', 'organization_id', 'role'],
  organization_roles: ['organization_id', 'role', 'permission'],
}
const allColumns: Readonly<Record<string, readonly string[]>> = {
  users: [
    ...['id', 'role', 'banned', 'ban_expires', 'ban_reason', 'email', 'email_verified', 'name'],
    ...['image', 'is_anonymous'],
  ],
  members: ['id', 'user_id', 'organization_id', 'role', 'created_at'],
  organization_roles: ['organization_id', 'role', 'permission'],
  organizations: ['id', 'name', 'slug'],
  keys: ['id', 'public_key', 'alg', 'expires_at'],
}
const signal = new AbortController().signal

describe.each(flavours.filter(({ ids }) => ids === 'text'))(
  'with the $adapter tables, a role that may only read some columns',
  (flavour) => {
    const keyTable = flavour.adapter === 'drizzle' ? 'jwkss' : 'jwks'
    let url: string
    beforeAll(async () => {
      url = await freshDatabase('grants')
      await runSql(url, betterAuthTables(flavour))
    })

    async function roleWith(grants: Readonly<Record<string, readonly string[]>>) {
      const role = uniqueName('reader')
      await runSql(url, `CREATE ROLE ${role} LOGIN`)
      for (const [table, columns] of Object.entries(grants)) {
        if (columns.length === 0) continue
        const name = table === 'keys' ? keyTable : table
        await runSql(url, `GRANT SELECT (${columns.join(', ')}) ON ${name} TO ${role}`)
      }
      const asRole = new URL(url)
      asRole.username = role
      const adapters = openAdapters(asRole.href)
      onTestFinished(adapters.database.close)
      const users = createPostgresUserRepository(adapters)
      const organizations = createPostgresOrganizationRepository(adapters)
      const keys = createJwksTable(adapters)
      const readFact = (dynamicRoles: boolean) =>
        adapters.facts({ dynamicRoles }).read({ user: 'u1', organization: 'org-a' }, signal)
      const readAll = async (): Promise<void> => {
        await readFact(false)
        await readFact(true)
        await users.byId('u1')
        await users.byEmail('u@example.com')
        await organizations.byId('org-a')
        await organizations.membershipsOf('u1', 'org-a')
        await keys.load()
      }
      return { role, ...adapters, readFact, readAll }
    }

    it('reads facts with those that facts are made of', async () => {
      const { readFact } = await roleWith(factColumns)
      expect(await readFact(true)).toMatchObject({ user: false })
    })

    it('reads facts without organization_roles where the policy does not heed them', async () => {
      const { readFact } = await roleWith({ ...factColumns, organization_roles: [] })
      expect(await readFact(false)).toMatchObject({ user: false })
      await expect(readFact(true)).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    })

    it('reads all with the listed columns, every one of which is needed', async () => {
      const { role, readAll } = await roleWith(allColumns)
      await readAll()
      const unneeded: string[] = []
      for (const [table, columns] of Object.entries(allColumns)) {
        const name = table === 'keys' ? keyTable : table
        for (const column of columns) {
          await runSql(url, `REVOKE SELECT (${column}) ON ${name} FROM ${role}`)
          const { error } = await timed(readAll())
          if (error === undefined) unneeded.push(`${table}.${column}`)
          else expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
          await runSql(url, `GRANT SELECT (${column}) ON ${name} TO ${role}`)
        }
      }
      expect(unneeded).toEqual([])
    })

    it('cannot read a private key, a password or a session', async () => {
      const { database } = await roleWith(allColumns)
      const text = `SELECT private_key FROM ${keyTable}`
      await expect(database.query({ name: 'steal', text })).rejects.toMatchObject({
        cause: { code: '42501' },
      })
    })
  },
)
