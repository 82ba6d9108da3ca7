import { describe, expect, it, onTestFinished } from 'vitest'
import { createPostgresOrganizationRepository } from '../../../src/adapters/postgres/organization-repository.ts'
import { createPostgresUserRepository } from '../../../src/adapters/postgres/user-repository.ts'
import { betterAuthTables, runSql } from '../../support/better-auth-tables.ts'
import { eventually, timed } from '../../support/eventually.ts'
import { openAdapters } from '../../support/postgres-tables.ts'
import { freshDatabase, uniqueName } from '../../support/servers.ts'

const seesAll = { sharedWith: null, preferred: null }

/** A database with one member, and what an own role of it is told of the member's place. */
async function oneMember() {
  const url = await freshDatabase('columns')
  await runSql(url, betterAuthTables({ adapter: 'drizzle', ids: 'text' }))
  await runSql(
    url,
    `INSERT INTO users (id, name, email) VALUES ('u1', 'u', 'u@example.com');
     INSERT INTO organizations (id, name, slug) VALUES ('o1', 'o', 'o');
     INSERT INTO members (id, user_id, organization_id, role, manager_id, department_id)
       VALUES ('m1', 'u1', 'o1', 'owner', 'boss', 'd1')`,
  )
  const role = uniqueName('reader')
  await runSql(
    url,
    `CREATE ROLE ${role} LOGIN;
     GRANT SELECT (id, email, email_verified, name, image, role, banned, ban_reason, ban_expires,
       is_anonymous) ON users TO ${role};
     GRANT SELECT (id) ON organizations TO ${role};
     GRANT SELECT (id, user_id, organization_id, role, created_at, manager_id, department_id)
       ON members TO ${role}`,
  )
  const asRole = new URL(url)
  asRole.username = role
  const adapters = openAdapters(asRole.href, { connections: 1 })
  onTestFinished(adapters.database.close)
  const users = createPostgresUserRepository(adapters)
  const organizations = createPostgresOrganizationRepository(adapters)
  const asked = async () => {
    const user = await users.byId('u1', seesAll)
    const request = { asMember: null, limit: 1, after: null }
    const page = await organizations.usersOf('o1', request)
    return [user, page?.users[0]]
  }
  /** What both tell alike. */
  const told = async () => {
    const [user, another] = await asked()
    expect(another).toEqual(user)
    return [user?.membership?.managerId, user?.membership?.departmentId]
  }
  return { url, role, asked, told, users }
}

describe('additional fields of members', () => {
  it('are told with SELECT on named columns alone', async () => {
    const { told } = await oneMember()
    expect(await told()).toEqual(['boss', 'd1'])
  })

  it.each([
    ['one is missing', 'ALTER TABLE members DROP COLUMN manager_id', [null, 'd1']],
    ['the other is', 'ALTER TABLE members DROP COLUMN department_id', ['boss', null]],
    [
      'both are',
      'ALTER TABLE members DROP COLUMN manager_id, DROP COLUMN department_id',
      [null, null],
    ],
    ['one may not be read', 'REVOKE SELECT (manager_id) ON members FROM READER', [null, 'd1']],
    [
      'they are of other types',
      'ALTER TABLE members ALTER COLUMN manager_id TYPE int USING 7, ALTER COLUMN department_id TYPE uuid USING NULL',
      ['7', null],
    ],
  ])('are null or text where %s, from the start or from one day on', async (_t, change, after) => {
    const { role, told, url } = await oneMember()
    const running = await oneMember()
    expect(await running.told()).toEqual(['boss', 'd1'])
    await runSql(url, change.replace('READER', role))
    expect(await told()).toEqual(after)
    await runSql(running.url, change.replace('READER', running.role))
    await eventually(running.told)
    expect(await running.told()).toEqual(after)
  })

  it('are found once they are there, without a restart', async () => {
    const { asked, told, url, role } = await oneMember()
    await runSql(url, 'ALTER TABLE members RENAME COLUMN manager_id TO later')
    expect(await told()).toEqual([null, 'd1'])
    await runSql(url, 'ALTER TABLE members RENAME COLUMN later TO manager_id')
    await runSql(url, `GRANT SELECT (manager_id) ON members TO ${role}`)
    const seen: unknown[] = []
    await eventually(async () => {
      const { error, value } = await timed(asked())
      // Each looks again in its own time: one may tell the column some milliseconds before the other.
      const places = value?.map((user) => user?.membership?.managerId) ?? [error]
      seen.push(...places)
      return places.every((place) => place === 'boss')
    })
    // No request fails over it.
    expect(seen.filter((place) => place !== null && place !== 'boss')).toEqual([])
    expect(await told()).toEqual(['boss', 'd1'])
  })
})

describe('the end of a ban', () => {
  it.each(["'infinity'", "'-infinity'", "'30000-01-01'", "'0044-03-15 BC'"])(
    'that RFC 3339 cannot write is none: %s',
    async (end) => {
      const { url, users } = await oneMember()
      await runSql(url, `UPDATE users SET banned = true, ban_expires = ${end}`)
      const banned = !end.includes('-inf') && !end.includes('BC')
      expect(await users.byId('u1')).toMatchObject({ banned, banExpires: null })
    },
  )

  it.each(['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z', '2026-02-28T23:59:59.123Z'])(
    'is told to the millisecond: %s',
    async (end) => {
      const { url, users } = await oneMember()
      await runSql(url, 'UPDATE users SET banned = true, ban_expires = $1', [end.slice(0, -1)])
      expect((await users.byId('u1'))?.banExpires?.toISOString()).toBe(end)
    },
  )
})

it('a member whose user is gone is nobody, where no foreign key forbids it', async () => {
  const { url, told } = await oneMember()
  expect(await told()).toEqual(['boss', 'd1'])
  await runSql(
    url,
    `ALTER TABLE members DROP CONSTRAINT members_user_id_fkey;
     INSERT INTO members (id, user_id, organization_id, role) VALUES ('m0', 'a', 'o1', 'owner')`,
  )
  const adapters = openAdapters(url)
  onTestFinished(adapters.database.close)
  const { usersOf } = createPostgresOrganizationRepository(adapters)
  const first = await usersOf('o1', { asMember: null, limit: 1, after: null })
  expect(first).toEqual({ users: [], next: 'a' })
  const second = await usersOf('o1', { asMember: null, limit: 1, after: 'a' })
  expect(second?.users.map(({ id }) => id)).toEqual(['u1'])
})
