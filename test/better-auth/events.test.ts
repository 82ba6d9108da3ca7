import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { servers, uniqueName } from '../support/servers.ts'
import { until } from '../support/poll.ts'
import { listen, makeStream, type Listener } from './listener.ts'
import {
  found,
  makeDatabase,
  signUp,
  sqlNames,
  startAuth,
  type Account,
  type AuthProcess,
  type TestDatabase,
} from './world.ts'

const kinds = [
  { runtime: 'node', names: 'snake', stream: true },
  { runtime: 'node', names: 'camel', stream: false },
  { runtime: 'bun', names: 'camel', stream: true },
] as const

/** Each event from a real Better Auth: what is done, and what has to be heard. */
describe.each(kinds)('on $runtime, $names names, stream: $stream', ({ names, runtime, stream }) => {
  const prefix = uniqueName('plugin')
  const {
    members,
    organizations,
    organizationId: organizationColumn,
    userId,
    users,
  } = sqlNames[names]
  let database: TestDatabase
  let auth: AuthProcess
  let listener: Listener
  let boss: Account
  let org: string
  let count = 0
  let marks = 0
  const delays: number[] = []

  beforeAll(async () => {
    const natsUrl = servers().natsUrl
    if (stream) await makeStream(natsUrl, prefix)
    ;[database, listener] = await Promise.all([makeDatabase(), listen(natsUrl, prefix)])
    const plugin = { databaseUrl: database.url, natsUrl, prefix, stream }
    const options = { databaseUrl: database.url, names, plugin, prepare: 'outbox' } as const
    auth = await startAuth(runtime, options)
    boss = await signUp(auth, 'boss')
    org = await found(auth, boss, 'acme')
    await database.sql(`update ${users} set role = 'superadmin' where id = $1`, [boss.id])
  })
  afterAll(async () => {
    await auth.kill()
    await listener.close()
    await database.close()
    const sorted = delays.sort((a, b) => a - b)
    const middle = sorted[Math.floor(sorted.length / 2)] ?? NaN
    process.stderr.write(
      `${runtime} ${stream ? 'JetStream' : 'core NATS'}: from the response to the event ${middle.toFixed(1)} ms, ` +
        `at most ${(sorted.at(-1) ?? NaN).toFixed(1)} ms (${sorted.length} events)\n`,
    )
  })

  /** Somebody new in the organization, whose event has been heard. */
  async function member(role = 'staff') {
    count += 1
    const account = await signUp(auth, `u${count}`)
    const { id: memberId } = await auth.addMember({ organizationId: org, userId: account.id, role })
    await listener.hear('member.added', { userId: account.id, organizationId: org, role })
    listener.forget()
    return { ...account, memberId, pair: { userId: account.id, organizationId: org } }
  }

  /** Does it, then waits for exactly these. */
  async function expectEvents(
    work: () => Promise<unknown>,
    ...events: readonly (readonly [subject: string, body: object])[]
  ): Promise<void> {
    listener.forget()
    await work()
    const doneMs = performance.now()
    for (const [subject, body] of events) {
      delays.push((await listener.hear(subject, body)).atMs - doneMs)
    }
    // Whatever else was recorded is published before this.
    marks += 1
    await database.sql(`insert into tenantgate.outbox (subject, body) values ('mark', $1)`, [
      JSON.stringify({ marks }),
    ])
    await database.sql(`select pg_notify('tenantgate_outbox', '')`)
    await listener.hear('mark', { marks })
    const subjects = listener.heard.map(({ subject }) => subject)
    expect(subjects.filter((subject) => subject !== 'mark').sort()).toEqual(
      events.map(([subject]) => subject).sort(),
    )
    await until(async () => (await database.waiting()) === 0, { what: 'an outbox that is empty' })
  }

  const asBoss = (path: string, body: object) => auth.call(path, { body, session: boss.session })

  it('an organization is created, its role changes, a member is added', async () => {
    await listener.hear('member.added', { userId: boss.id, organizationId: org, role: 'owner' })
    await listener.hear('user.role.changed', { userId: boss.id, role: 'superadmin' })
    await member()
  })

  it('a role changed; given again, nothing', async () => {
    const { memberId, pair } = await member()
    const change = { memberId, role: 'viewer', organizationId: org }
    await expectEvents(
      () => asBoss('/organization/update-member-role', change),
      ['member.role.changed', { ...pair, role: 'viewer', previousRole: 'staff' }],
    )
    await expectEvents(() => asBoss('/organization/update-member-role', change))
  })

  it('a member removed, by another and by itself', async () => {
    const removed = await member()
    await expectEvents(
      () =>
        asBoss('/organization/remove-member', {
          memberIdOrEmail: removed.memberId,
          organizationId: org,
        }),
      ['member.removed', { ...removed.pair, previousRole: 'staff' }],
    )
    const left = await member()
    await expectEvents(
      () =>
        auth.call('/organization/leave', { body: { organizationId: org }, session: left.session }),
      ['member.removed', left.pair],
    )
  })

  it('an invitation accepted', async () => {
    count += 1
    const guest = await signUp(auth, `u${count}`)
    const { id: invitationId } = (await asBoss('/organization/invite-member', {
      ...{ email: guest.email, role: 'staff', organizationId: org },
    })) as { readonly id: string }
    await expectEvents(
      () =>
        auth.call('/organization/accept-invitation', {
          body: { invitationId },
          session: guest.session,
        }),
      ['member.added', { userId: guest.id, organizationId: org, role: 'staff' }],
    )
  })

  it('a user banned, unbanned, and with another platform role', async () => {
    const { id } = await member()
    await expectEvents(
      () => asBoss('/admin/ban-user', { userId: id }),
      ['user.banned', { userId: id }],
    )
    await expectEvents(
      () => asBoss('/admin/unban-user', { userId: id }),
      ['user.unbanned', { userId: id }],
    )
    await expectEvents(
      () => asBoss('/admin/set-role', { userId: id, role: 'admin' }),
      ['user.role.changed', { userId: id, role: 'admin', previousRole: 'user' }],
    )
  })

  it('a ban that ends by itself ends at the next sign-in', async () => {
    const { email, id } = await member()
    await asBoss('/admin/ban-user', { userId: id, banExpiresIn: 1 })
    const expires = names === 'snake' ? 'ban_expires' : '"banExpires"'
    await database.sql(`update ${users} set ${expires} = now() - interval '1 hour' where id = $1`, [
      id,
    ])
    await until(() => listener.heard.length === 2, { what: 'both bans' })
    const body = { email, password: 'correct horse battery staple' }
    await expectEvents(
      () => auth.call('/sign-in/email', { body }),
      ['user.unbanned', { userId: id }],
    )
  })

  it('a user deleted, by an admin and by itself: its memberships too', async () => {
    const one = await member()
    const gone = (person: typeof one) =>
      [
        ['user.deleted', { userId: person.id }],
        ['member.removed', person.pair],
      ] as const
    await expectEvents(() => asBoss('/admin/remove-user', { userId: one.id }), ...gone(one))
    const other = await member()
    const body = { password: 'correct horse battery staple' }
    await expectEvents(
      () => auth.call('/delete-user', { body, session: other.session }),
      ...gone(other),
    )
  })

  it('a dynamic role created, changed and deleted', async () => {
    const role = { organizationId: org, role: 'auditor' }
    await expectEvents(
      () => asBoss('/organization/create-role', { ...role, permission: { leave: ['read'] } }),
      ['organization.role.changed', role],
    )
    await expectEvents(
      () =>
        asBoss('/organization/update-role', {
          ...{ organizationId: org, roleName: 'auditor' },
          data: { permission: { leave: ['approve'] } },
        }),
      ['organization.role.changed', role],
    )
    await expectEvents(
      () => asBoss('/organization/delete-role', { organizationId: org, roleName: 'auditor' }),
      ['organization.role.changed', role],
    )
  })

  it('an organization deleted: each membership too', async () => {
    const id = await found(auth, boss, `gone${count}`)
    await listener.hear('member.added', { organizationId: id })
    await expectEvents(
      () => asBoss('/organization/delete', { organizationId: id }),
      ['organization.deleted', { organizationId: id }],
      ['member.removed', { organizationId: id, userId: boss.id }],
    )
  })

  it('edits by SQL: an update, a cascade, another user for a row; rolled back, nothing', async () => {
    const { pair } = await member()
    const [first, second] = [await member(), await member()]
    const where = `where ${userId} = $1 and ${organizationColumn} = $2`
    const ids = [pair.userId, org]
    await expectEvents(
      () => database.sql(`update ${members} set role = 'admin' ${where}`, ids),
      ['member.role.changed', { ...pair, role: 'admin', previousRole: 'staff' }],
    )
    await expectEvents(
      () =>
        database.sql(`update ${members} set ${userId} = $1 where ${userId} = $2`, [
          second.id,
          first.id,
        ]),
      ['member.removed', first.pair],
      ['member.added', second.pair],
    )
    await expectEvents(() =>
      database.sql(
        `do $$ begin delete from ${members}; raise exception 'no'; exception when others then end $$`,
      ),
    )
    await expectEvents(
      () => database.sql(`delete from ${users} where id = $1`, [pair.userId]),
      ['user.deleted', { userId: pair.userId }],
      ['member.removed', pair],
    )
  })

  it('a restore into a replica session, and TRUNCATE, which names all that were there', async () => {
    const { pair } = await member()
    await expectEvents(
      () =>
        database.sql(`set session_replication_role = replica;
          update ${members} set role = 'viewer' where ${userId} = '${pair.userId}';
          reset session_replication_role`),
      ['member.role.changed', pair],
    )
    await expectEvents(
      () => database.sql(`truncate ${members}`),
      ['member.removed', { organizationId: org }],
    )
    const people = await database.sql(`select id from ${users}`)
    await expectEvents(
      () => database.sql(`truncate ${users}, ${organizations} cascade`),
      ['organization.deleted', { organizationId: org }],
      ...people.rows.map(({ id = '' }) => ['user.deleted', { userId: id }] as const),
    )
  })

  it('nothing was complained of', () => {
    expect(auth.log().replace(/listening at .*\n/, '')).toBe('')
  })
})
