import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { TenantgateOptions } from '../../packages/better-auth/src/index.ts'
import { findFaults } from '../../packages/better-auth/src/installation.ts'
import { tenantgateSql, tenantgateUninstallSql } from '../../packages/better-auth/src/sql.ts'
import { startNats, type NatsServer } from '../../src/adapters/servers/nats.ts'
import { ensureWheels } from '../../src/adapters/servers/wheels.ts'
import { during } from '../support/eventually.ts'
import { until } from '../support/poll.ts'
import { servers, uniqueName } from '../support/servers.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { createAuth } from './auth.ts'
import { listen, makeStream, type Listener } from './listener.ts'
import { makeDatabase, type TestDatabase } from './world.ts'

const prefix = uniqueName('plugin')
let database: TestDatabase
let listener: Listener
let nats: NatsServer
const closers: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  const args = ['--user', 'auth', '--pass', 'p@ss']
  nats = await startNats({ binaries: await ensureWheels({}), args })
  ;[database, listener] = await Promise.all([makeDatabase(), listen(servers().natsUrl, prefix)])
  const { migrate, pool } = await createAuth({ ...place(), names: 'snake' })
  await migrate()
  await pool.end()
  await database.sql(tenantgateSql())
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  listener.forget()
  await database.sql('truncate tenantgate.outbox')
})
afterAll(async () => {
  await listener.close()
  await database.close()
  await nats.close()
})

const place = () => ({ databaseUrl: database.url, baseURL: 'http://localhost:3005' })

/** An auth with the plugin, in this process, and what it logged. */
async function open(plugin: TenantgateOptions) {
  const said: string[] = []
  const note = (message: string) => void said.push(message)
  const logger = { info: note, warn: note, error: note }
  const options = {
    natsUrl: servers().natsUrl,
    databaseUrl: database.url,
    prefix,
    logger,
    ...plugin,
  }
  const { gate, open, pool } = await createAuth({ ...place(), names: 'snake', plugin: options })
  closers.push(() => pool.end())
  const auth = open()
  if (gate === undefined) throw new Error('no plugin')
  closers.push(gate.close)
  const signUp = async (name: string) => {
    const body = {
      name,
      email: `${uniqueName(name)}@example.com`,
      password: 'correct horse battery',
    }
    const { token, user } = await auth.api.signUpEmail({ body })
    return { id: user.id, headers: new Headers({ authorization: `Bearer ${token ?? ''}` }) }
  }
  return { auth, gate, said, signUp }
}

/** Answers once the relay has looked into the outbox. */
const connected = `select 1 from pg_stat_activity where datname = current_database()
  and application_name = 'tenantgate/better-auth' and query like '%tenantgate.outbox where seq%'`

describe('connections', () => {
  it('none when it is made or initialised, and none without a relay; all end at close', async () => {
    const [toDatabase, toNats] = await Promise.all([
      startTcpProxy(database.url),
      startTcpProxy(servers().natsUrl),
    ])
    closers.push(toDatabase.close, toNats.close)
    const connections = () => [toDatabase.open(), toNats.open()]
    const urls = { databaseUrl: toDatabase.url, natsUrl: toNats.url }
    const idle = await open({ ...urls, relay: false })
    await idle.auth.api.ok()
    const { auth, gate } = await open(urls)
    await auth.$context
    await during(150, () => expect([toDatabase.opened(), toNats.opened()]).toEqual([0, 0]))
    await auth.api.ok()
    await until(() => connections().join() === '1,1', { what: 'both connections' })
    await gate.close()
    await until(() => connections().join() === '0,0', { what: 'both connections to end' })
    await auth.api.ok()
    expect([toDatabase.opened(), toNats.opened()]).toEqual([1, 1])
  })

  it('without addresses it says so once and leaves requests alone', async () => {
    const { auth, said } = await open({ natsUrl: '' })
    await auth.api.ok()
    await auth.api.ok()
    expect(said).toEqual(['[tenantgate] no change is published: natsUrl or NATS_URL is not set'])
  })

  it('a database that swallows all: requests go on, and it starts anew once it is back', async () => {
    const proxy = await startTcpProxy(database.url)
    closers.push(proxy.close)
    const { auth, gate, signUp } = await open({ databaseUrl: proxy.url })
    await auth.api.ok()
    await until(() => proxy.open() === 1, { what: 'a connection' })
    proxy.swallow()
    const { headers, id } = await signUp('a')
    await auth.api.createOrganization({ body: { name: 'a', slug: uniqueName('a') }, headers })
    proxy.heal()
    await listener.hear('member.added', { userId: id }, 8_000)
    await gate.close()
  })

  it('where NOTIFY does not arrive, as behind a pooler, requests and the time wake it', async () => {
    await database.sql(tenantgateSql().replaceAll('perform pg_notify', '-- perform pg_notify'))
    const { auth, signUp } = await open({})
    const { headers, id } = await signUp('a')
    await until(async () => (await database.sql(connected)).rows.length > 0, { what: 'a relay' })
    for (let i = 0; i < 3; i += 1) {
      await auth.api.createOrganization({ body: { name: 'a', slug: uniqueName('a') }, headers })
      await listener.hear('member.added', { userId: id }, 300)
      listener.forget()
    }
    await database.sql('update members set role = $1 where user_id = $2', ['admin', id])
    await listener.hear('member.role.changed', { userId: id }, 2_000)
    await database.sql(tenantgateSql())
  })

  it('a wrong password is tried again, as it may be rotated', async () => {
    const url = new URL(nats.url)
    url.username = 'auth'
    url.password = 'wrong'
    const { gate, said } = await open({ natsUrl: url.href })
    gate.start()
    await until(() => said.some((line) => /NATS cannot be reached.*uthoriz/i.test(line)), {
      what: 'a warning',
    })
    url.password = 'p@ss'
    const other = await open({ natsUrl: url.href })
    const { headers } = await other.signUp('a')
    await other.auth.api.createOrganization({ body: { name: 'a', slug: uniqueName('a') }, headers })
    await until(async () => (await database.waiting()) === 0, { what: 'an outbox that is empty' })
    expect(other.said).toEqual([])
  })
})

describe('rights', () => {
  it('a role of its own for the relay, which says what it lacks; the SQL gives it', async () => {
    const role = uniqueName('relay')
    await database.sql(`create role ${role} login`)
    closers.push(() => database.sql(`drop owned by ${role}; drop role ${role}`))
    const url = new URL(database.url)
    url.username = role
    const { auth, said, signUp } = await open({ databaseUrl: url.href })
    const { headers, id } = await signUp('a')
    await auth.api.createOrganization({ body: { name: 'a', slug: uniqueName('a') }, headers })
    await until(() => said.length > 0, { what: 'a warning' })
    expect(said.join()).toContain(
      `run, as its owner: grant usage on schema tenantgate to "${role}"; grant select, delete`,
    )
    await database.sql(tenantgateSql({ relayRole: role }))
    await listener.hear('member.added', { userId: id })
    const relay = new pg.Client({ connectionString: url.href })
    await relay.connect()
    const refused = [
      `insert into tenantgate.outbox (subject, body) values ('member.removed', '{}')`,
      `select id from users`,
      `create table tenantgate.mine ()`,
    ]
    for (const sql of refused) await expect(relay.query(sql)).rejects.toThrow('permission denied')
    await relay.end()
  })

  it('whoever may change a table records that, without any right on the outbox', async () => {
    const role = uniqueName('app')
    await database.sql(`create role ${role}; grant select, update on members to ${role}`)
    closers.push(() => database.sql(`drop owned by ${role}; drop role ${role}`))
    const { auth, signUp } = await open({})
    const { headers, id } = await signUp('a')
    await auth.api.createOrganization({ body: { name: 'a', slug: uniqueName('a') }, headers })
    await database.sql(`set role ${role}; update members set role = 'admin' where user_id = '${id}';
      reset role`)
    await listener.hear('member.role.changed', { userId: id, role: 'admin' })
  })

  it.each([{ stream: false }, { stream: true }])(
    'a subject that NATS does not permit is kept, others pass: $stream',
    async ({ stream }) => {
      const permitted = await startNats({
        binaries: await ensureWheels({}),
        args: ['--config', await permissions()],
      })
      closers.push(permitted.close)
      const asAll = permitted.url.replace('//', '//all:all@')
      if (stream) await makeStream(asAll, prefix)
      const heard = await listen(asAll, prefix)
      closers.push(heard.close)
      const natsUrl = permitted.url.replace('//', '//some:some@')
      const { auth, said } = await open({ natsUrl, stream, nats: { inboxPrefix: '_INBOX_tg' } })
      await auth.api.ok()
      await database.sql(`insert into tenantgate.outbox (subject, body)
        select 'user.banned', '{}'::jsonb from generate_series(1, 600)
        union all select 'member.removed', '{"userId": "u1"}'::jsonb`)
      await heard.hear('member.removed', { userId: 'u1' })
      await until(async () => (await database.waiting()) === 600, { what: 'the rest' })
      expect(said.join()).toContain(`NATS does not permit to publish ${prefix}.user.banned`)
    },
  )

  it.each([{ stream: false }, { stream: true }])(
    'what is too large for NATS is kept and said, and holds up nothing: $stream',
    async ({ stream }) => {
      const own = await startNats({ binaries: await ensureWheels({}) })
      closers.push(own.close)
      if (stream) await makeStream(own.url, prefix)
      const heard = await listen(own.url, prefix)
      closers.push(heard.close)
      const { auth, said } = await open({ natsUrl: own.url, stream })
      await auth.api.ok()
      const large = 2 * 1024 * 1024
      await database.sql(`insert into tenantgate.outbox (subject, body)
        values ('user.banned', jsonb_build_object('userId', repeat('x', ${large})))`)
      await database.sql(`insert into tenantgate.outbox (subject, body)
        values ('member.removed', '{"userId": "u1"}')`)
      await heard.hear('member.removed', { userId: 'u1' })
      await until(async () => (await database.waiting()) === 1, { what: 'the rest' })
      expect(said.join()).toContain(`${prefix}.user.banned`)
    },
  )
})

describe('a role of a great many letters', () => {
  it('leaves its name out of the events, not the event', async () => {
    const { auth, signUp } = await open({})
    const { headers, id } = await signUp('a')
    await auth.api.createOrganization({ body: { name: 'a', slug: uniqueName('a') }, headers })
    await listener.hear('member.added', { userId: id })
    const role = Array.from({ length: 300_000 }, () => 'admin').join()
    await database.sql('update members set role = $1 where user_id = $2', [role, id])
    const { body } = await listener.hear('member.role.changed', { userId: id })
    expect(Object.keys(body).sort()).toEqual(['organizationId', 'userId'])
    await database.sql('delete from members where user_id = $1', [id])
    await listener.hear('member.removed', { userId: id })
  })
})

describe('hooks alone', () => {
  it('publish what endpoints do, without any outbox', async () => {
    const { auth, signUp } = await open({ outbox: false, databaseUrl: '' })
    const [boss, staff] = [await signUp('boss'), await signUp('staff')]
    const { headers } = boss
    const created = await auth.api.createOrganization({
      body: { name: 'a', slug: uniqueName('a') },
      headers,
    })
    const organizationId = created.id
    const pair = { userId: staff.id, organizationId }
    await listener.hear('member.added', { userId: boss.id, organizationId })
    const { id: memberId } = await auth.api.addMember({ body: { ...pair, role: 'staff' } })
    await listener.hear('member.added', pair)
    await auth.api.updateMemberRole({ body: { memberId, role: 'viewer', organizationId }, headers })
    await listener.hear('member.role.changed', pair)
    await auth.api.createOrgRole({
      body: { role: 'auditor', permission: { leave: ['read'] } },
      headers,
    })
    await listener.hear('organization.role.changed', { organizationId })
    await auth.api.leaveOrganization({ body: { organizationId }, headers: staff.headers })
    await listener.hear('member.removed', pair)
    await auth.api.deleteOrganization({ body: { organizationId }, headers })
    await listener.hear('organization.deleted', { organizationId })
    await database.sql(`update users set role = 'superadmin' where id = $1`, [boss.id])
    await auth.api.banUser({ body: { userId: staff.id }, headers })
    await listener.hear('user.banned', { userId: staff.id })
    await auth.api.unbanUser({ body: { userId: staff.id }, headers })
    await listener.hear('user.unbanned', { userId: staff.id })
    await auth.api.setRole({ body: { userId: staff.id, role: 'admin' }, headers })
    await listener.hear('user.role.changed', { userId: staff.id })
    await auth.api.removeUser({ body: { userId: staff.id }, headers })
    await listener.hear('user.deleted', { userId: staff.id })
  })
})

describe('the SQL', () => {
  it('takes other names and another schema; run twice, it is there once', async () => {
    const sql = tenantgateSql({
      schema: "au$th's",
      tables: {
        user: { table: 'people', columns: { id: 'key' } },
        member: { table: 'staff', columns: { userId: 'person', organizationId: 'firm' } },
        organization: { table: ['companies', 'firms'] },
      },
    })
    await database.sql(`create schema "au$th's"; set search_path = "au$th's";
      create table people (key uuid); create table firms (id int);
      create table staff (person uuid, firm int, role text);
      set search_path = public`)
    await database.sql(sql)
    await database.sql(sql)
    const person = crypto.randomUUID()
    await database.sql(`insert into "au$th's".staff values ('${person}', 7, 'owner')`)
    const { rows } = await database.sql('select subject, body from tenantgate.outbox')
    expect(rows).toEqual([
      {
        subject: 'member.added',
        body: { userId: person, organizationId: '7', role: 'owner' },
      },
    ])
    await database.sql(`drop schema "au$th's" cascade`)
  })

  it.each([
    ['a table that is not there', 'has no table', { user: { table: 'nobody' } }],
    ['a table that may be either', 'which of', { user: { table: ['users', 'members'] } }],
    [
      'a column that is not there',
      'has to have one column',
      { member: { columns: { role: 'rank' } } },
    ],
  ] as const)('refuses %s', async (_name, message, tables) => {
    await expect(database.sql(tenantgateSql({ tables }))).rejects.toThrow(message)
  })

  it.each([
    ['the schema', (role: string) => `create schema tenantgate authorization ${role}`],
    [
      'the outbox',
      (role: string) => `create schema tenantgate; create table tenantgate.outbox
        (seq bigint, id uuid, subject text, body jsonb, recorded_at timestamptz);
        alter table tenantgate.outbox owner to ${role}`,
    ],
  ])(
    'refuses %s that somebody else made before, whose code would run as its owner',
    async (_, sql) => {
      const role = uniqueName('mallory')
      await database.sql(tenantgateUninstallSql())
      await database.sql(`create role ${role}; ${sql(role)}`)
      await expect(database.sql(tenantgateSql())).rejects.toThrow(`belongs to ${role}`)
      await database.sql(`drop schema tenantgate cascade; drop role ${role}`)
      await database.sql(tenantgateSql())
    },
  )

  it('run again, it locks no table: neither does it wait for requests, nor they for it', async () => {
    await database.sql(tenantgateSql())
    const request = new pg.Client({ connectionString: database.url })
    await request.connect()
    closers.push(() => request.end())
    await request.query(`begin; lock table users, members, organizations, organization_roles
      in row exclusive mode`)
    await database.sql(tenantgateSql())
    await request.query('rollback')
  })

  const usual = `execute function tenantgate.capture('member', 'user_id', 'organization_id', 'role')`
  const made = (events: string, call: string) => `drop trigger tenantgate_capture on members;
    create trigger tenantgate_capture after ${events} on members for each row ${call};
    alter table members enable always trigger tenantgate_capture`
  it.each([
    [
      'with other arguments',
      made('insert or update or delete', usual.replace("'role'", "'created_at'")),
    ],
    ['for fewer changes', made('update or delete', usual)],
    ['that is switched off', 'alter table members disable trigger tenantgate_capture'],
  ])('run again, it mends a trigger %s', async (_name, sql) => {
    const definition = async () =>
      (
        await database.sql(`select pg_get_triggerdef(oid) as def, tgenabled from pg_trigger
          where tgname = 'tenantgate_capture' and tgrelid = 'members'::regclass`)
      ).rows
    await database.sql(tenantgateSql())
    const wanted = await definition()
    await database.sql(sql)
    expect(await definition()).not.toEqual(wanted)
    await database.sql(tenantgateSql())
    expect(await definition()).toEqual(wanted)
  })

  it('may be run again by a superuser where the owner of the tables ran it first', async () => {
    const own = await makeDatabase()
    closers.push(own.close)
    const role = uniqueName('owner')
    const { rows } = await own.sql('select current_database() as name')
    await own.sql(`create role ${role}; grant create on database ${rows[0]?.['name']} to ${role};
      create schema app authorization ${role}; set role ${role}; set search_path = app;
      create table users (id text); create table organizations (id text);
      create table members (user_id text, organization_id text, role text);
      ${tenantgateSql()}; reset role; ${tenantgateSql({ schema: 'app' })};
      drop schema app, tenantgate cascade; drop owned by ${role}; drop role ${role}`)
  })

  it('goes without a trace, the triggers too, and the plugin says so', async () => {
    await database.sql(tenantgateUninstallSql())
    await database.sql(tenantgateUninstallSql())
    const { rows } =
      await database.sql(`select tgname from pg_trigger where tgname like 'tenantgate%'
      union all select nspname from pg_namespace where nspname = 'tenantgate'`)
    expect(rows).toEqual([])
    const { auth, said } = await open({})
    await auth.api.ok()
    await until(() => said.join().includes('the outbox is missing'), { what: 'a warning' })
    await database.sql(tenantgateSql())
    await database.sql('drop trigger tenantgate_capture on members')
    await database.sql('alter table users disable trigger tenantgate_capture')
    await until(() => said.join().includes('changes of the table of "member" are not recorded'), {
      what: 'a warning',
    })
    expect(said.join()).toContain('alter table users enable always trigger tenantgate_capture')
    await database.sql(tenantgateSql())
  })
})

describe('what is installed', () => {
  it('records nothing by a column that has another name by now: the plugin is told', async () => {
    const faults = async () => {
      const query = async <T>(text: string) =>
        (await database.sql(text)).rows as unknown as readonly T[]
      return (await findFaults(query, ['user', 'member', 'organization'])).messages
    }
    expect(await faults()).toEqual([])
    await database.sql('alter table members rename column role to rank')
    expect((await faults()).join()).toContain('"member" by columns that are gone: role')
    await database.sql('alter table members rename column rank to role')
    expect(await faults()).toEqual([])
  })
})

/** A server's configuration with one account that may publish `member.` alone. */
async function permissions(): Promise<string> {
  const folder = await mkdtemp(`${tmpdir()}/tenantgate-nats-`)
  closers.push(() => rm(folder, { recursive: true }))
  await writeFile(
    `${folder}/nats.conf`,
    `authorization { users = [
      { user: all, password: all }
      { user: some, password: some, permissions: {
        publish: ["${prefix}.member.>"], subscribe: ["_INBOX_tg.>"] } } ] }`,
  )
  return `${folder}/nats.conf`
}
