import { describe, expect, it, onTestFinished } from 'vitest'
import type { Fact } from '../../../src/domain/fact.ts'
import { betterAuthTables, runSql } from '../../support/better-auth-tables.ts'
import { openAdapters } from '../../support/postgres-tables.ts'
import { freshDatabase } from '../../support/servers.ts'

const pair = { user: 'u1', organization: 'org-a' }

/** What is read of a member with these texts, each an SQL expression. */
async function factOf(texts: {
  readonly role?: string
  readonly platformRole?: string
  readonly permission?: string
}): Promise<Fact> {
  const { permission = `'{}'`, platformRole = `'user'`, role = `'staff'` } = texts
  const url = await freshDatabase('long')
  await runSql(url, betterAuthTables({ adapter: 'drizzle', ids: 'text' }))
  await runSql(
    url,
    `INSERT INTO users (id, name, email, role) VALUES ('u1', 'u', 'u', ${platformRole});
     INSERT INTO organizations (id, name, slug) VALUES ('org-a', 'a', 'a');
     INSERT INTO members (id, user_id, organization_id, role) VALUES ('m1', 'u1', 'org-a', ${role});
     INSERT INTO organization_roles (id, organization_id, role, permission)
       VALUES ('r1', 'org-a', 'auditor', ${permission})`,
  )
  const adapters = openAdapters(url)
  onTestFinished(adapters.database.close)
  return adapters.facts({ dynamicRoles: true }).read(pair, new AbortController().signal)
}

describe('a text that takes megabytes is never read, and grants nothing:', () => {
  it('roles of a member', async () => {
    expect(await factOf({ role: `repeat('staff,', 200000)` })).toMatchObject({ rows: [[]] })
    expect(await factOf({ role: `'staff,' || repeat('viewer,', 1000)` })).toMatchObject({
      rows: [['staff', 'viewer']],
    })
  })

  it('platform roles; none at all still are those of a user', async () => {
    expect(await factOf({ platformRole: `repeat('admin,', 200000)` })).toMatchObject({
      platformRoles: [],
    })
    expect(await factOf({ platformRole: 'NULL' })).toMatchObject({ platformRoles: ['user'] })
  })

  it('permissions of a dynamic role', async () => {
    const list = (count: number) => `'{"leave":["read"' || repeat(',"read"', ${count}) || ']}'`
    const dynamicOf = async (permission: string) =>
      (await factOf({ role: `'auditor'`, permission })).dynamic.get('auditor')
    expect(await dynamicOf(list(200_000))).toEqual([])
    expect(await dynamicOf(list(1_000))).toContain('leave:read')
  })
})
