import { readFile } from 'node:fs/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTenantgate, type TenantgateProcess } from '../../src/demo/tenantgate-process.ts'
import { authorizationClient, httpRequestBytes } from '../support/authorization-client.ts'
import { runSql } from '../support/better-auth-tables.ts'
import { tenantgate } from '../support/command-line.ts'
import {
  asThief,
  passwords,
  runBetterAuth,
  startGuarded,
  type Guarded,
} from '../support/least-privilege.ts'
import { until } from '../support/poll.ts'
import { parseExposition } from '../support/prometheus-text.ts'

const secret = 'a secret of the tests with more than 32 characters'

/** Everybody with a user of deploy/, and a member of an organization with a token. */
interface World {
  readonly guarded: Guarded
  readonly env: Readonly<Record<string, string>>
  readonly gate: TenantgateProcess
  readonly userId: string
  readonly organizationId: string
  readonly check: (method: string, path: string) => Promise<string>
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
  readonly close: () => Promise<void>
}

async function signUp(authUrl: string) {
  const call = async <T>(path: string, body?: unknown, session?: string): Promise<T> => {
    const response = await fetch(`${authUrl}/api/auth${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        origin: 'http://localhost:10000',
        'content-type': 'application/json',
        ...(session !== undefined && { authorization: `Bearer ${session}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as T
  }
  const { token: session, user } = await call<{ token: string; user: { id: string } }>(
    '/sign-up/email',
    { name: 'ada', email: 'ada@example.com', password: 'correct horse battery staple' },
  )
  const { id } = await call<{ id: string }>(
    '/organization/create',
    { name: 'acme', slug: 'acme' },
    session,
  )
  await call('/organization/set-active', { organizationId: id }, session)
  const { token } = await call<{ token: string }>('/token', undefined, session)
  return { userId: user.id, organizationId: id, token }
}

async function startWorld(natsConfig: string): Promise<World> {
  const closers: (() => Promise<void>)[] = []
  const close = async () => {
    for (const stop of closers.splice(0).reverse()) await stop()
  }
  try {
    const guarded = await startGuarded(natsConfig)
    closers.push(guarded.close)
    const streams = natsConfig === 'nats.conf'
    const administrator = guarded.as('nats', 'administrator', passwords.ADMINISTRATOR_NATS_PASSWORD)
    const prepared = await runBetterAuth('prepare.ts', guarded, {
      ...(streams && { ADMINISTRATOR_NATS_URL: administrator }),
    })
    expect(await prepared.child.ended).toBe('exited with status 0')
    for (const file of ['indexes.sql', 'tenantgate-role.sql', 'tenantgate-role.sql']) {
      await guarded.psql(`deploy/postgres/${file}`) // the second time nothing is amiss either
    }
    const auth = await runBetterAuth('server.ts', guarded, { NATS_STREAM: String(streams) })
    closers.push(auth.child.stop)
    const env = {
      TENANTGATE_POLICY: 'deploy/compose/policy.yaml',
      TENANTGATE_DECISION_LOG: 'off',
      TENANTGATE_JWKS: 'postgres',
      TENANTGATE_CACHE_KEY: secret,
      TENANTGATE_DEADLINE: '1s',
      BETTER_AUTH_URL: 'http://localhost:10000',
      DATABASE_URL: guarded.as('postgres', 'tenantgate', passwords.TENANTGATE_POSTGRES_PASSWORD),
      REDIS_URL: guarded.as('redis', 'tenantgate', passwords.TENANTGATE_REDIS_PASSWORD),
      NATS_URL: guarded.as('nats', 'tenantgate', passwords.TENANTGATE_NATS_PASSWORD),
      ...(streams && { TENANTGATE_NATS_STREAM: 'identity' }),
    }
    const person = await signUp(auth.url)
    const gate = await startTenantgate(env)
    closers.push(gate.close)
    const client = authorizationClient(gate.grpcAddress)
    closers.push(async () => client.close())
    const metric: World['metric'] = async (name, labels) => {
      const text = await (await fetch(`http://${gate.httpAddress}/metrics`)).text()
      return parseExposition(text).value(name, labels) ?? 0
    }
    await until(async () => (await metric('tenantgate_watch_unbroken')) === 1, {
      what: 'a watch that holds',
      withinMs: 20_000,
    })
    return {
      ...{ guarded, env, gate, metric, close },
      ...person,
      async check(method, path) {
        const { body, code } = await client.check(
          httpRequestBytes({
            ...{ method, path, host: 'localhost' },
            headers: { authorization: `Bearer ${person.token}` },
          }),
          { timeoutMs: 10_000 },
        )
        return code === 0 ? 'allowed' : ((body as { type?: string } | undefined)?.type ?? 'denied')
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

function redisAs(world: World, user: 'tenantgate' | 'reader'): Redis {
  const password =
    user === 'reader' ? passwords.READER_REDIS_PASSWORD : passwords.TENANTGATE_REDIS_PASSWORD
  const redis = new Redis(world.guarded.as('redis', user, password), {
    enableReadyCheck: false,
    disableClientInfo: true,
  })
  onTestFinished(() => redis.disconnect())
  return redis
}

const natsPasswords = {
  tenantgate: passwords.TENANTGATE_NATS_PASSWORD,
  better_auth: passwords.BETTER_AUTH_NATS_PASSWORD,
  administrator: passwords.ADMINISTRATOR_NATS_PASSWORD,
}
type NatsUser = keyof typeof natsPasswords

async function natsAs({ guarded }: World, user: NatsUser, inboxPrefix?: string) {
  const nats = await connect({
    servers: `127.0.0.1:${guarded.nats.port}`,
    ...{ user, pass: natsPasswords[user] },
    ...(inboxPrefix !== undefined && { inboxPrefix }),
  })
  onTestFinished(() => nats.close())
  return nats
}

/** Which of these subjects the server refuses to be subscribed to, and to be published to. */
async function refusedBy(nats: NatsConnection, subjects: readonly string[]) {
  const subscribe: string[] = []
  const publish: string[] = []
  void (async () => {
    for await (const status of nats.status()) {
      if (status.type !== 'error') continue
      const [, operation, subject = ''] =
        /permissions violation for (subscription|publish)\w* to "([^"]+)"/i.exec(
          status.error.message,
        ) ?? []
      if (operation?.toLowerCase() === 'publish') publish.push(subject)
    }
  })()
  for (const subject of subjects) {
    nats.subscribe(subject, {
      callback(refusal) {
        if (refusal !== null) subscribe.push(subject)
      },
    })
    nats.publish(subject.replace('>', 'x'), '')
  }
  await nats.flush()
  await new Promise(setImmediate) // a refusal came before the answer, but is told a turn later
  return { subscribe, publish }
}

const families = ['member.>', 'user.>', 'organization.>']

/** What has to work whatever NATS is like. */
function itWorks(worldOf: () => World, warnings: readonly string[]): void {
  it('serve does all it has to: a check, the cache, the events', async () => {
    const { check, guarded, metric, organizationId, userId } = worldOf()
    const leave = `/api/v1/organizations/${organizationId}/leave`
    expect(await check('GET', leave)).toBe('allowed')
    const reader = redisAs(worldOf(), 'reader')
    // Not in the 5 s after a change, and this membership is a new one.
    const key = `perm:${userId}:${organizationId}`
    const cached = await until(
      async () => (await check('GET', leave)) === 'allowed' && ((await reader.get(key)) ?? false),
      { what: 'the permissions in Redis', withinMs: 15_000 },
    )
    expect(JSON.parse(cached)).toContain('leave:approve')

    const said = { subject: 'member.role.changed', outcome: 'applied' }
    const before = await metric('tenantgate_events_total', said)
    await runSql(guarded.ownerUrl, `UPDATE members SET role = 'viewer'`)
    await until(async () => (await metric('tenantgate_events_total', said)) > before, {
      what: 'the event',
    })
    expect(await check('POST', `${leave}/l1/approve`)).toBe('urn:tenantgate:permission_denied')
    expect(await metric('tenantgate_unannounced_changes_total')).toBe(0)
    await runSql(guarded.ownerUrl, `UPDATE members SET role = 'owner'`)
  })

  it('the doctor finds no error, and no right that is too much', async () => {
    const { status, stdout } = await tenantgate(['doctor', '--format', 'json'], worldOf().env)
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string }[] }
    const complaints = checks.flatMap((one) =>
      one.status === 'ok' ? [] : [`${one.status} ${one.name}`],
    )
    expect(complaints).toEqual(['warn postgres.table.members.additional', ...warnings])
    expect(status).toBe(0)
  })
}

describe('with core NATS', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld('nats-core.conf')
  }, 120_000)
  afterAll(() => world.close())

  itWorks(() => world, ['warn nats.stream'])
})

describe('with a stream', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld('nats.conf')
  }, 120_000)
  afterAll(() => world.close())

  itWorks(() => world, [])

  it('nobody gets in with another password', async () => {
    const { guarded } = world
    await expect(runSql(guarded.as('postgres', 'tenantgate', 'wrong'), 'SELECT 1')).rejects.toThrow(
      'password authentication failed',
    )
    await expect(
      connect({ servers: `127.0.0.1:${guarded.nats.port}`, user: 'tenantgate', pass: 'wrong' }),
    ).rejects.toThrow(/authorization violation/i)
    const stranger = new Redis(guarded.redis.url, {
      enableReadyCheck: false,
      disableClientInfo: true,
    })
    onTestFinished(() => stranger.disconnect())
    await expect(stranger.get('perm:a:b')).rejects.toThrow('NOAUTH')
  })

  it.each([
    `INSERT INTO users (id) VALUES ('x')`,
    `UPDATE members SET role = 'owner'`,
    `UPDATE users SET role = 'superadmin'`,
    'DELETE FROM members',
    'TRUNCATE members',
    'CREATE TABLE mine (id int)',
    'CREATE SCHEMA mine',
    'CREATE TEMPORARY TABLE mine (id int)',
    'DROP TABLE members',
    'CREATE ROLE mine',
    'SELECT * FROM users',
    'SELECT created_at FROM users',
    'SELECT metadata FROM organizations',
    'SELECT private_key FROM jwks',
    'SELECT password FROM accounts',
    'SELECT token FROM sessions',
    'SELECT value FROM verifications',
    'SELECT email FROM invitations',
    'SELECT * FROM tenantgate.outbox',
    'SELECT rolpassword FROM pg_authid',
    `SELECT pg_read_file('/etc/passwd')`,
    `COPY (SELECT 1) TO PROGRAM 'true'`,
  ])('PostgreSQL refuses %s', async (sql) => {
    await expect(asThief(world.guarded, sql)).rejects.toThrow(/permission denied|must be owner/)
  })

  it('in PostgreSQL sessions are read-only, limited in time, and so many', async () => {
    const url = world.env['DATABASE_URL'] ?? ''
    const [settings] = await runSql(
      url,
      `SELECT current_setting('default_transaction_read_only') AS "readOnly",
        current_setting('statement_timeout') AS timeout, current_setting('search_path') AS path,
        (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS connections`,
    )
    expect(settings).toEqual({ readOnly: 'on', timeout: '5s', path: 'public', connections: 64 })
  })

  it('the role is not made where the tables are not', async () => {
    const { guarded } = world
    await runSql(guarded.ownerUrl, 'ALTER TABLE members RENAME TO member')
    try {
      await expect(guarded.psql('deploy/postgres/tenantgate-role.sql')).rejects.toThrow(
        'members.user_id',
      )
    } finally {
      await runSql(guarded.ownerUrl, 'ALTER TABLE member RENAME TO members')
    }
    // Nothing was taken away before it failed.
    expect(await asThief(guarded, 'SELECT role FROM members')).toEqual([{ role: 'owner' }])
  })

  it('in Redis tenantgate has its own keys alone, and services only read them', async () => {
    const own = redisAs(world, 'tenantgate')
    expect(await own.set('perm:a:b', '[]', 'PX', 10_000)).toBe('OK')
    for (const [command, ...args] of [
      ['GET', 'session:1'],
      ['SET', 'session:1', 'x'],
      ['DEL', 'session:1'],
      ['KEYS', '*'],
      ['SCAN', '0'],
      ['FLUSHALL'],
      ['CONFIG', 'GET', '*'],
      ['ACL', 'LIST'],
      ['EVAL', 'return 1', '0'],
      ['PUBLISH', 'x', 'y'],
    ] as const) {
      await expect(own.call(command, ...args), command).rejects.toThrow('NOPERM')
    }
    const reader = redisAs(world, 'reader')
    expect(await reader.get('perm:a:b')).toBe('[]')
    for (const [command, ...args] of [
      ['SET', 'perm:a:b', '["*"]'],
      ['DEL', 'perm:a:b'],
      ['GET', 'session:1'],
      ['SCAN', '0'],
      ['INFO'],
    ] as const) {
      await expect(reader.call(command, ...args), command).rejects.toThrow('NOPERM')
    }
  })

  it('in NATS each hears and says only what is its own', async () => {
    const subjects = [
      ...families,
      '_INBOX.>',
      '_INBOX_auth.>',
      '$JS.API.STREAM.DELETE.identity',
      '$SYS.>',
      'orders.>',
    ]
    const own = await refusedBy(await natsAs(world, 'tenantgate'), subjects)
    expect(own.subscribe).toEqual(subjects.filter((s) => !families.includes(s) && s !== '_INBOX.>'))
    expect(own.publish).toEqual(subjects.map((subject) => subject.replace('>', 'x')))

    const publisher = await refusedBy(await natsAs(world, 'better_auth', '_INBOX_auth'), subjects)
    expect(publisher.subscribe).toEqual(subjects.filter((s) => s !== '_INBOX_auth.>'))
    expect(publisher.publish).toEqual(
      subjects.filter((s) => !families.includes(s)).map((s) => s.replace('>', 'x')),
    )

    const administrator = await refusedBy(
      await natsAs(world, 'administrator', '_INBOX_admin'),
      subjects,
    )
    expect(administrator.subscribe).toEqual(subjects)
    expect(administrator.publish).toEqual(subjects.map((s) => s.replace('>', 'x')))
  })

  it('nobody but the administrator changes the stream', async () => {
    const nats = await natsAs(world, 'tenantgate')
    const { streams } = await jetstreamManager(nats, { checkAPI: false, timeout: 1_000 })
    expect((await streams.info('identity')).config.subjects).toEqual(families)
    await expect(streams.delete('identity')).rejects.toThrow(/permissions violation/i)
    await expect(streams.update('identity', { subjects: ['x'] })).rejects.toThrow(
      /permissions violation/i,
    )
    await expect(streams.add({ name: 'other', subjects: ['other'] })).rejects.toThrow(
      /permissions violation/i,
    )
  })
})

it('the files hold no password', async () => {
  for (const file of ['redis/users.acl', 'nats/nats.conf', 'nats/nats-core.conf']) {
    const text = await readFile(`deploy/${file}`, 'utf8')
    expect(text, file).not.toMatch(/password: *[^$\s]|[ #>](?=[0-9a-f]{16})|nopass/)
  }
})
