import { describe, expect, it, onTestFinished } from 'vitest'
import { createPostgresOrganizationRepository } from '../../../src/adapters/postgres/organization-repository.ts'
import { createPostgresUserRepository } from '../../../src/adapters/postgres/user-repository.ts'
import type { Fact } from '../../../src/domain/fact.ts'
import { betterAuthTables, runSql } from '../../support/better-auth-tables.ts'
import { eventually, timed } from '../../support/eventually.ts'
import { openAdapters, type Adapters } from '../../support/postgres-tables.ts'
import { freshDatabase } from '../../support/servers.ts'

const signal = new AbortController().signal
const [user, organization] = [
  '11111111-2222-7333-8444-555555555555',
  '21111111-2222-7333-8444-555555555555',
]
const pair = { user, organization }

/** A database with one member, owner of one organization with one dynamic role. */
async function oneMember(ids: 'text' | 'uuid'): Promise<string> {
  const url = await freshDatabase('schema')
  await runSql(url, betterAuthTables({ adapter: 'drizzle', ids }))
  await runSql(
    url,
    `INSERT INTO users (id, name, email) VALUES ('${user}', 'u', 'u');
     INSERT INTO organizations (id, name, slug) VALUES ('${organization}', 'a', 'a');
     INSERT INTO members (id, user_id, organization_id, role)
       VALUES ('${user}', '${user}', '${organization}', 'owner');
     INSERT INTO organization_roles (id, organization_id, role, permission)
       VALUES ('${user}', '${organization}', 'owner', '{"leave":["read"]}')`,
  )
  return url
}

function adaptersOn(url: string): Adapters & { readonly read: () => Promise<Fact> } {
  const adapters = openAdapters(url, { connections: 3 })
  onTestFinished(adapters.database.close)
  const facts = adapters.facts({ dynamicRoles: true })
  return { ...adapters, read: () => facts.read(pair, signal) }
}

const idsTo = (type: 'text' | 'uuid'): string => `
  ALTER TABLE members DROP CONSTRAINT members_user_id_fkey;
  ALTER TABLE members DROP CONSTRAINT members_organization_id_fkey;
  ALTER TABLE organization_roles DROP CONSTRAINT organization_roles_organization_id_fkey;
  ALTER TABLE users ALTER COLUMN id TYPE ${type} USING id::${type};
  ALTER TABLE organizations ALTER COLUMN id TYPE ${type} USING id::${type};
  ALTER TABLE members ALTER COLUMN user_id TYPE ${type} USING user_id::${type},
    ALTER COLUMN organization_id TYPE ${type} USING organization_id::${type};
  ALTER TABLE organization_roles ALTER COLUMN organization_id TYPE ${type}
    USING organization_id::${type}`

describe('a migration under a running service is survived:', () => {
  it.each<[string, 'text' | 'uuid', string]>([
    ['ids from text to uuid', 'text', idsTo('uuid')],
    ['ids from uuid to text', 'uuid', idsTo('text')],
    [
      'a ban’s expiry with a zone',
      'text',
      'ALTER TABLE users ALTER COLUMN ban_expires TYPE timestamptz',
    ],
    [
      'roles as varchar',
      'text',
      'ALTER TABLE members ALTER COLUMN role TYPE varchar(200); ALTER TABLE users ALTER COLUMN role TYPE varchar(200)',
    ],
    [
      'more columns',
      'text',
      'ALTER TABLE users ADD COLUMN x int; ALTER TABLE members ADD COLUMN x int',
    ],
    [
      'a table made anew',
      'text',
      'ALTER TABLE members RENAME TO members_old; CREATE TABLE members AS TABLE members_old',
    ],
    ['organization_roles gone', 'text', 'DROP TABLE organization_roles'],
  ])('%s', async (_title, ids, migration) => {
    const url = await oneMember(ids)
    const { read } = adaptersOn(url)
    await Promise.all([read(), read(), read()])
    const before = await read()
    expect(before).toMatchObject({ user: true, rows: [['owner']] })

    const migrating = runSql(url, migration)
    // Meanwhile and afterwards a read may fail; it must never tell another fact.
    const expectRight = async (): Promise<boolean> => {
      const { value } = await timed(read())
      if (value !== undefined) expect(value).toMatchObject({ user: true, rows: [['owner']] })
      return value !== undefined
    }
    await Promise.all([migrating, expectRight(), expectRight(), expectRight()])
    const results: boolean[] = []
    await eventually(async () => {
      results.push(await expectRight())
      return results.slice(-6).length === 6 && results.slice(-6).every(Boolean)
    })
    expect(results.length).toBeLessThan(20)
  })

  it('a ban that is set meanwhile is seen', async () => {
    const url = await oneMember('text')
    const { read } = adaptersOn(url)
    await read()
    await runSql(url, `${idsTo('uuid')}; UPDATE users SET banned = true`)
    expect(await eventually(read)).toMatchObject({ banned: true })
  })

  it.each(['users', 'organizations'] as const)('the repository of %s', async (name) => {
    const url = await oneMember('uuid')
    const { database, schema } = adaptersOn(url)
    const users = createPostgresUserRepository({ database, schema })
    const organizations = createPostgresOrganizationRepository({ database, schema })
    const ask = () =>
      name === 'users' ? users.byId(user) : organizations.membershipsOf(user, organization)
    expect(await ask()).toBeTruthy()
    await runSql(url, idsTo('text'))
    await eventually(async () => (await ask()) !== undefined)
  })
})

describe('tables that come later are found without a restart:', () => {
  it('all of them', async () => {
    const url = await freshDatabase('schema')
    const { read } = adaptersOn(url)
    await expect(read()).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: expect.stringMatching(/users\.id is missing.*Better Auth/) as string,
    })
    await runSql(url, betterAuthTables({ adapter: 'built-in', ids: 'text' }))
    expect(await read()).toMatchObject({ user: false })
  })

  it('organization_roles, while dynamic roles are on', async () => {
    const url = await oneMember('text')
    await runSql(url, 'ALTER TABLE organization_roles RENAME TO later')
    const { read } = adaptersOn(url)
    expect(await read()).toMatchObject({ rows: [['owner']], dynamic: new Map() })
    await runSql(url, 'ALTER TABLE later RENAME TO organization_roles')
    await eventually(async () => (await read()).dynamic.size === 1, { withinMs: 3_000 })
  })
})

describe('a schema that is not Better Auth’s is told:', () => {
  it.each<[string, string, RegExp]>([
    ['members missing', 'DROP TABLE members', /members/],
    ['users missing', 'DROP TABLE users CASCADE', /users/],
    ['tables in the singular', 'ALTER TABLE users RENAME TO "user"', /users\.id is missing/],
    [
      'ids of another type',
      'ALTER TABLE users ALTER COLUMN id TYPE char(36)',
      /users\.id.*character.*text, uuid or integer/,
    ],
    ['bans missing', 'ALTER TABLE users DROP COLUMN ban_expires', /ban_expires/],
    ['camelCase', 'ALTER TABLE members RENAME COLUMN user_id TO "userId"', /user_id/],
  ])('%s', async (_title, change, message) => {
    const url = await oneMember('text')
    await runSql(url, change)
    const { read } = adaptersOn(url)
    await expect(read()).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      message: expect.stringMatching(message) as string,
    })
  })
})
