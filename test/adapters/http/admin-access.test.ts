import { createHmac, generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { AppError } from '../../../src/domain/errors.ts'
import { startAdminApi, type AdminApi } from '../../support/admin-api.ts'
import { nowS } from '../../support/builders.ts'
import { eventually } from '../../support/eventually.ts'
import { postgresTables } from '../../support/postgres-tables.ts'
import { runSql } from '../../support/better-auth-tables.ts'
import { bearer, rawRequest } from '../../support/raw-http.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { openAdapters } from '../../support/postgres-tables.ts'
import { base64url, goodClaims, hmacToken } from '../../support/tokens.ts'
import { authorizationOf, secret, type Asker } from '../../support/users-api.ts'

type PostgresTables = Awaited<ReturnType<typeof postgresTables>>
let tables: PostgresTables
let api: AdminApi
beforeAll(async () => {
  tables = await postgresTables({ adapter: 'built-in', ids: 'text' })
  await tables.addOrganization({ id: 'acme' })
  await tables.addUser({ id: 'member' })
  await tables.addUser({ id: 'owner' })
  await tables.addUser({ id: 'admin', role: 'admin' })
  await tables.addUser({ id: 'root', role: 'user,superadmin' })
  await tables.addUser({ id: 'support', role: 'support' })
  await tables.addUser({ id: 'banned', role: 'superadmin', banned: true })
  await tables.addMember({ user: 'member', organization: 'acme', role: 'staff' })
  // An organization's admin is no platform admin, whatever the names.
  await tables.addMember({ user: 'owner', organization: 'acme', role: 'owner,admin,superadmin' })
  api = await startAdminApi(tables)
})
afterAll(async () => {
  await api.close()
  await tables.close()
})

/** Every operation, with a request that a platform admin is answered 2xx or 404 on. */
const operations: readonly (readonly [string, string, string?])[] = [
  ['GET', '/admin/v1/decisions'],
  ['HEAD', '/admin/v1/decisions'],
  ['GET', '/admin/v1/decisions/0190ab12-cdef-7abc-8def-000000000000'],
  ['POST', '/admin/v1/explain', '{"request":"GET /me","as":"anonymous"}'],
  ['GET', '/admin/v1/policy'],
  ['GET', '/admin/v1/coverage'],
  ['GET', '/admin/v1/doctor'],
  ['POST', '/admin/v1/replay', '{}'],
  // What is not there is not told to anybody else either.
  ['GET', '/admin/v1/nothing'],
  ['DELETE', '/admin/v1/decisions'],
  ['OPTIONS', '/admin/v1/decisions'],
  // Authentication comes before what is wrong with a request.
  ['GET', '/admin/v1/decisions?limit=none&nothing=1'],
  ['POST', '/admin/v1/explain', '{'],
  ['POST', '/admin/v1/explain', 'x'.repeat(2_000_000)],
]

const answers = (as?: Asker | string) =>
  Promise.all(
    operations.map(async ([method, path, body]) => {
      const answer = await api.ask(path, as, { method, ...(body !== undefined && { body }) })
      return { ...answer, method }
    }),
  )

describe('each persona', () => {
  it.each<[string, Asker | string | undefined, number, string]>([
    ['nobody', undefined, 401, 'missing_credential'],
    ['who is unknown', { user: 'nobody' }, 403, 'unknown_user'],
    ['a member', { user: 'member', organization: 'acme' }, 403, 'permission_denied'],
    [
      'the owner of an organization',
      { user: 'owner', organization: 'acme' },
      403,
      'permission_denied',
    ],
    ['a platform role without these rights', { user: 'support' }, 403, 'permission_denied'],
    ['a banned superadmin', { user: 'banned' }, 403, 'banned'],
    [
      'a member whose token claims to be superadmin',
      { user: 'member', organization: 'acme', claims: { role: 'superadmin', orgRole: 'admin' } },
      ...([403, 'permission_denied'] as const),
    ],
    ['who sends no token', 'Bearer', 401, 'malformed_credential'],
    ['who sends another scheme', 'Basic YTpi', 401, 'malformed_credential'],
  ])('%s is refused everything', async (_name, as, status, reason) => {
    for (const answer of await answers(as)) {
      expect(answer.status).toBe(status)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null)
      if (answer.method === 'HEAD') expect(answer.text).toBe('')
      else expect(answer.json).toMatchObject({ type: `urn:tenantgate:${reason}`, status })
    }
  })

  it.each<[string, Asker]>([
    ['admin', { user: 'admin' }],
    ['superadmin', { user: 'root', organization: 'acme' }],
  ])('a platform %s is let in', async (_name, as) => {
    const statuses = (await answers(as)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 401 || status === 403)).toEqual([])
    expect(statuses.slice(0, 8)).toEqual([200, 200, 404, 200, 200, 200, 200, 200])
  })
})

describe('what changes counts at once', () => {
  const ask = (user: string) => api.ask('/admin/v1/policy', { user })

  it('a demoted admin is refused with the token of before', async () => {
    await tables.addUser({ id: 'demoted', role: 'admin' })
    expect((await ask('demoted')).status).toBe(200)
    await runSql(tables.url, `UPDATE users SET role = 'user' WHERE id = 'demoted'`)
    const { json, status } = await ask('demoted')
    expect([status, json]).toMatchObject([403, { type: 'urn:tenantgate:permission_denied' }])
  })

  it('so is one who is banned, and one who is deleted', async () => {
    await tables.addUser({ id: 'leaver', role: 'superadmin' })
    expect((await ask('leaver')).status).toBe(200)
    await runSql(tables.url, `UPDATE users SET banned = true WHERE id = 'leaver'`)
    expect((await ask('leaver')).json).toMatchObject({ type: 'urn:tenantgate:banned' })
    await runSql(tables.url, `DELETE FROM users WHERE id = 'leaver'`)
    expect((await ask('leaver')).json).toMatchObject({ type: 'urn:tenantgate:unknown_user' })
  })
})

describe('attacks with a token', () => {
  const claims = { ...goodClaims, sub: 'root' }
  const sign = (
    payload: Readonly<Record<string, unknown>>,
    key = secret,
    header: object = {},
  ): Promise<string> =>
    new SignJWT(payload)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...header })
      .sign(new TextEncoder().encode(key))
  const good = hmacToken(secret, { claims })
  const [header = '', payload = '', signature = ''] = good.split('.')

  const attacks: readonly (readonly [string, () => string | Promise<string>, string])[] = [
    ['alg none', () => `${base64url({ alg: 'none' })}.${payload}.`, 'invalid_token'],
    ['alg NONE, signed', () => `${base64url({ alg: 'NONE' })}.${payload}.c2ln`, 'invalid_token'],
    [
      'another secret',
      () => sign(claims, 'some-other-secret-of-thirty-two-chars'),
      'invalid_token',
    ],
    [
      'a key of its own in the header',
      () => {
        const { privateKey, publicKey } = generateKeyPairSync('ed25519')
        return new SignJWT(claims)
          .setProtectedHeader({ alg: 'EdDSA', jwk: publicKey.export({ format: 'jwk' }) })
          .sign(privateKey)
      },
      'invalid_token',
    ],
    [
      'another header',
      () => `${base64url({ alg: 'HS512' })}.${payload}.${signature}`,
      'invalid_token',
    ],
    [
      'another payload',
      () => `${header}.${base64url({ ...claims, sub: 'admin' })}.${signature}`,
      'invalid_token',
    ],
    ['an expired token', () => sign({ ...claims, exp: 1 }), 'expired_token'],
    ['one that never expires', () => sign({ ...claims, exp: null }), 'invalid_token'],
    ['one of tomorrow', () => sign({ ...claims, nbf: nowS + 86_400 }), 'invalid_token'],
    [
      'a critical extension',
      () => hmacToken(secret, { claims, header: { crit: ['b64'], b64: true } }),
      'invalid_token',
    ],
    [
      'the type of another token',
      () => sign(claims, secret, { typ: 'better-auth.session-cache+jwt' }),
      'invalid_token',
    ],
    ['no subject', () => sign({ ...claims, sub: null }), 'invalid_token'],
    ['a subject with a comma', () => sign({ ...claims, sub: 'root,admin' }), 'invalid_token'],
    ['an opaque session token', () => 'c2Vzc2lvbg', 'malformed_credential'],
    ['two tokens with a comma', () => `${good},${good}`, 'malformed_credential'],
    [
      'the HMAC of an empty key',
      () => {
        const signed = `${header}.${payload}`
        return `${signed}.${createHmac('sha256', '').update(signed).digest('base64url')}`
      },
      'invalid_token',
    ],
  ]
  const policy = async (
    headers: readonly (readonly [string, string])[],
    path = '/admin/v1/policy',
  ) => {
    const answer = await rawRequest(api.url, { path, headers })
    return [answer.status, /urn:tenantgate:(\w+)/.exec(answer.body)?.[1]]
  }

  it('the same token without an attack is let in', async () => {
    expect(await policy([bearer(good)])).toEqual([200, undefined])
  })

  it.each(attacks)('%s', async (_name, forge, reason) => {
    expect(await policy([bearer(await forge())])).toEqual([401, reason])
  })

  it('a token of 20 kB, which Node does not even read', async () => {
    const token = `${header}.${'A'.repeat(20_000)}.${signature}`
    expect(await policy([bearer(token)])).toEqual([431, undefined])
  })

  it('a token in the query, a cookie, or twice', async () => {
    expect(await policy([], `/admin/v1/policy?access_token=${good}`)).toEqual([
      401,
      'missing_credential',
    ])
    expect(await policy([['cookie', `token=${good}`]])).toEqual([401, 'missing_credential'])
    expect(await policy([bearer(good), bearer(good)])).toEqual([401, 'malformed_credential'])
    expect(await policy([['authorization', ''], bearer(good)])).toEqual([
      401,
      'malformed_credential',
    ])
  })
})

describe('what cannot be found out is 503', () => {
  it('where PostgreSQL does not answer, and again 200 once it does', async () => {
    const proxy = await startTcpProxy(tables.url)
    const adapters = openAdapters(proxy.url, { statementTimeoutMs: 200 })
    const behind = await startAdminApi({ ...tables, facts: adapters.facts })
    onTestFinished(async () => {
      await behind.close()
      await adapters.database.close()
      await proxy.close()
    })
    const ask = () => behind.ask('/admin/v1/policy', { user: 'root' })
    await eventually(async () => (await ask()).status === 200)
    proxy.swallow()
    const { headers, json, status } = await ask()
    expect([status, headers.get('retry-after'), json]).toMatchObject([
      503,
      '1',
      { type: 'urn:tenantgate:unavailable' },
    ])
    expect(behind.faults.length).toBeGreaterThan(0)
    proxy.heal()
    await eventually(async () => (await ask()).status === 200)
  })

  it.each<[string, () => never]>([
    [
      'a bug',
      () => {
        throw new TypeError('not a function')
      },
    ],
    [
      'a fault',
      () => {
        throw new AppError('FACTS_UNAVAILABLE', 'down')
      },
    ],
  ])('in %s', async (_name, readFact) => {
    const faulty = await startAdminApi(tables, { access: { readFact: async () => readFact() } })
    onTestFinished(faulty.close)
    expect((await faulty.ask('/admin/v1/policy', { user: 'root' })).status).toBe(503)
    expect(faulty.faults).toHaveLength(1)
  })
})

describe('rates', () => {
  const policy = '/admin/v1/policy'

  it('of a subject are limited before its fact is read, and of others not', async () => {
    let reads = 0
    const facts = tables.facts({ dynamicRoles: false })
    const limited = await startAdminApi(tables, {
      rate: { burst: 3, perMinute: 1 },
      access: {
        readFact: (pair, signal) => {
          reads += 1
          return facts.read(pair, signal)
        },
      },
    })
    onTestFinished(limited.close)
    const statuses: number[] = []
    for (let n = 0; n < 6; n += 1)
      statuses.push((await limited.ask(policy, { user: 'member' })).status)
    expect([statuses, reads]).toEqual([[403, 403, 403, 429, 429, 429], 3])
    const last = await limited.ask(policy, { user: 'member' })
    expect(last.json).toEqual({ type: 'about:blank', title: 'Too many requests', status: 429 })
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(30)
    expect((await limited.ask(policy, { user: 'root' })).status).toBe(200)
  })

  it('of all admins together are limited, and nobody else can use them up', async () => {
    const limited = await startAdminApi(tables, { rateOfAll: { burst: 2, perMinute: 1 } })
    onTestFinished(limited.close)
    for (let n = 0; n < 5; n += 1) await limited.ask(policy, { user: 'member' })
    const asRoot = await limited.ask(policy, { user: 'root' })
    const asAdmin = await limited.ask(policy, { user: 'admin' })
    const third = await limited.ask(policy, { user: 'root' })
    expect([asRoot.status, asAdmin.status, third.status]).toEqual([200, 200, 429])
  })
})

describe('every request is told of', () => {
  it('who, what and how it ended; nothing that a client wrote freely', async () => {
    const audited = await startAdminApi(tables)
    onTestFinished(audited.close)
    const root = { user: 'root' }
    const id = '0190ab12-cdef-7abc-8def-000000000000'
    const token = authorizationOf(tables, root)
    await audited.ask(`/admin/v1/decisions?user=hunter2&access_token=hunter2`, root)
    await audited.ask('/admin/v1/decisions?route=hunter2', root)
    await audited.ask(`/admin/v1/decisions/${id}`, root)
    await audited.ask('/admin/v1/decisions/hunter2', root)
    await audited.ask('/admin/v1/hunter2', root)
    const body = JSON.stringify({ request: 'GET /hunter2', as: 'anonymous', policy: 'hunter2' })
    await audited.ask('/admin/v1/explain', root, { method: 'POST', body })
    await audited.ask('/admin/v1/policy', { user: 'member' }, { method: 'HEAD' })
    await audited.ask('/admin/v1/policy', 'Bearer hunter2')
    await eventually(() => audited.told.length === 8)
    const by = { subject: 'root', access: 'admitted', answered: true, address: '127.0.0.1' }
    expect(audited.told).toMatchObject([
      { ...by, method: 'GET', route: '/admin/v1/decisions', status: 400 },
      { ...by, method: 'GET', route: '/admin/v1/decisions', status: 200 },
      { ...by, method: 'GET', route: '/admin/v1/decisions/:id', status: 404, decision_id: id },
      { ...by, method: 'GET', route: '/admin/v1/decisions/:id', status: 404 },
      { ...by, method: 'GET', route: null, status: 404 },
      { ...by, method: 'POST', route: '/admin/v1/explain', status: 422 },
      { subject: 'member', access: 'permission_denied', method: 'HEAD', status: 403 },
      { subject: null, access: 'malformed_credential', status: 401 },
    ])
    const text = JSON.stringify(audited.told)
    expect(text).not.toContain('hunter2')
    expect(text).not.toContain(token.slice(-20))
  })
})

describe('the surface', () => {
  const root = { user: 'root' }

  it('lets no other origin in, whatever it asks', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'GET' }
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await api.ask('/admin/v1/policy', root, { method, headers })
      const cors = [...answer.headers.keys()].filter((name) => name.startsWith('access-control'))
      expect(cors).toEqual([])
    }
    const preflight = await api.ask('/admin/v1/policy', undefined, { method: 'OPTIONS', headers })
    expect(preflight.status).toBe(401)
  })

  it('names its methods', async () => {
    const options = await api.ask('/admin/v1/explain', root, { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow'), options.text]).toEqual([
      204,
      'POST, OPTIONS',
      '',
    ])
    const wrong = await api.ask('/admin/v1/policy', root, { method: 'PUT', body: '{' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    const head = await api.ask('/admin/v1/policy', root, { method: 'HEAD' })
    expect([head.status, head.text]).toEqual([200, ''])
  })

  it.each<[string, RequestInit, number]>([
    ['a body that is no JSON', { body: '{' }, 400],
    ['no body', {}, 400],
    ['another type', { body: 'a=b', headers: { 'content-type': 'text/plain' } }, 415],
    [
      'a form',
      { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
    ],
    ['a body of 300 kB', { body: JSON.stringify({ policy: 'x'.repeat(300_000) }) }, 413],
    ['a prototype', { body: '{"request":"GET /","as":"anonymous","__proto__":{}}' }, 400],
    ['an unknown member', { body: '{"request":"GET /","as":"anonymous","x":1}' }, 400],
  ])('%s is a problem of the client', async (_name, init, status) => {
    const answer = await api.ask('/admin/v1/explain', root, { method: 'POST', ...init })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(api.faults).toEqual([])
  })
})
