import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { flavours } from '../../support/better-auth-tables.ts'
import { memoryTables } from '../../support/memory-tables.ts'
import { postgresTables } from '../../support/postgres-tables.ts'
import { rawRequest } from '../../support/raw-http.ts'
import type { Tables } from '../../support/tables.ts'
import {
  authorizationOf,
  startUsersApi,
  type Asker,
  type UsersApi,
} from '../../support/users-api.ts'

const ann: Asker = { user: 'ann', organization: 'acme' }
const root: Asker = { user: 'root' }
const notFound = { type: 'about:blank', title: 'There is nothing here', status: 404 }
const problem = /^application\/problem\+json/

const stores: readonly (readonly [string, () => Promise<Tables>])[] = [
  ['memory', async () => memoryTables()],
  ...flavours
    .filter(({ adapter, ids }) => adapter === 'drizzle' || ids === 'text')
    .map((flavour) => {
      const name = `PostgreSQL with the ${flavour.adapter} tables and ${flavour.ids} ids`
      return [name, () => postgresTables(flavour)] as const
    }),
]

describe.each(stores)('the users API over %s', (_name, open) => {
  let tables: Tables
  let api: UsersApi
  let id: Tables['id']
  beforeAll(async () => {
    tables = await open()
    ;({ id } = tables)
    api = await startUsersApi(tables)
    await tables.addOrganization({ id: 'acme' })
    await tables.addOrganization({ id: 'globex' })
    for (const user of ['ann', 'bob', 'cid', 'loner']) await tables.addUser({ id: user })
    await tables.addUser({ id: 'root', role: 'user,superadmin' })
    await tables.addUser({
      id: 'banned',
      email: 'banned+1@example.com',
      emailVerified: true,
      name: 'Büro "B"',
      image: 'https://example.com/b.png',
      isAnonymous: true,
      role: 'support',
      banned: true,
      banReason: 'spam',
      banExpiresInS: 3_600,
    })
    await tables.addMember({ user: 'ann', organization: 'acme', role: 'owner' })
    await tables.addMember({ user: 'bob', organization: 'acme', role: 'staff', managerId: 'm-1' })
    const place = { managerId: 'm-2', departmentId: 'd-2' }
    await tables.addMember({
      user: 'banned',
      organization: 'acme',
      role: 'staff, viewer',
      ...place,
    })
    await tables.addMember({ user: 'cid', organization: 'globex', role: 'owner' })
  })
  afterAll(async () => {
    await api.close()
    await tables.close()
  })

  const user = (name: string) => `/api/v1/users/${id(name)}`
  const usersOf = (name: string) => `/api/v1/organizations/${id(name)}/users`
  const names = (json: unknown): readonly string[] =>
    (json as { users: { name: string }[] }).users.map(({ name }) => name).toSorted()

  it('tells all of a user, by id and by email', async () => {
    const answer = await api.get(user('banned'), ann)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.json).toEqual({
      id: id('banned'),
      email: 'banned+1@example.com',
      emailVerified: true,
      name: 'Büro "B"',
      image: 'https://example.com/b.png',
      isAnonymous: true,
      role: 'support',
      banned: true,
      banReason: 'spam',
      banExpires: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      organizationId: id('acme'),
      orgRole: 'staff,viewer',
      managerId: 'm-2',
      departmentId: 'd-2',
    })
    const { banExpires } = answer.json as { banExpires: string }
    expect(Math.abs(Date.parse(banExpires) - 3_600_000 - (await tables.nowMs()))).toBeLessThan(
      60_000,
    )
    for (const address of ['banned+1@example.com', 'Banned%2B1%40EXAMPLE.com']) {
      expect((await api.get(`/api/v1/users/email/${address}`, ann)).json).toEqual(answer.json)
    }
  })

  it('tells null where there is nothing to tell', async () => {
    expect((await api.get(user('loner'), { user: 'loner' })).json).toEqual({
      id: id('loner'),
      email: 'loner@example.com',
      emailVerified: false,
      name: 'loner',
      image: null,
      isAnonymous: false,
      role: 'user',
      banned: false,
      banReason: null,
      banExpires: null,
      organizationId: null,
      orgRole: null,
      managerId: null,
      departmentId: null,
    })
  })

  it('answers HEAD as GET, without the body', async () => {
    const { headers, status, text } = await api.get(user('bob'), ann, { method: 'HEAD' })
    const whole = await api.get(user('bob'), ann)
    expect([status, text]).toEqual([200, ''])
    expect(headers.get('content-length')).toBe(String(Buffer.byteLength(whole.text)))
    const foreign = await api.get(user('cid'), ann, { method: 'HEAD' })
    expect(foreign.status).toBe(404)
    expect((await api.get(user('bob'), undefined, { method: 'HEAD' })).status).toBe(401)
  })

  it.each<[string, () => string, Asker]>([
    ['a user of another organization', () => user('cid'), ann],
    ['the same by email', () => '/api/v1/users/email/cid@example.com', ann],
    ['a user of none', () => user('loner'), ann],
    [
      'a token that claims the other organization',
      () => user('cid'),
      { user: 'ann', organization: 'globex' },
    ],
    [
      'a token that claims a platform role',
      () => user('cid'),
      { ...ann, claims: { role: 'superadmin' } },
    ],
    ['a user who does not exist', () => user('nobody'), ann],
    ['the same to an admin', () => user('nobody'), root],
    ['an email that does not exist', () => '/api/v1/users/email/nobody@example.com', root],
    ['another organization', () => usersOf('globex'), ann],
    ['an organization that does not exist', () => usersOf('none'), ann],
    ['the same to an admin', () => usersOf('none'), root],
    ['an id that can be none', () => `/api/v1/users/${encodeURIComponent(`' OR '1'='1`)}`, root],
    ['a NUL', () => '/api/v1/users/a%00b', root],
    ['a NUL in an email', () => '/api/v1/users/email/a%00@b', root],
    ['bytes that are no ids', () => '/api/v1/users/%F0%9F%99%82', root],
    ['a number too large', () => '/api/v1/users/99999999999999999999', root],
    ['an id beyond all bounds', () => `/api/v1/users/${'1'.repeat(256)}`, root],
    ['an id a hundred times that', () => `/api/v1/users/${'1'.repeat(8_000)}`, root],
    [
      'an email beyond all bounds',
      () => `/api/v1/users/email/${'a'.repeat(330)}@example.com`,
      root,
    ],
    ['an empty id', () => '/api/v1/users/', root],
    [
      'an organization beyond all bounds',
      () => `/api/v1/organizations/${'1'.repeat(300)}/users`,
      root,
    ],
    ['an organization that can be none', () => '/api/v1/organizations/%00/users', root],
  ])('is 404, and the same 404, for %s', async (_title, path, as) => {
    const answer = await api.get(path(), as)
    expect(answer.status).toBe(404)
    expect(answer.headers.get('content-type')).toMatch(problem)
    expect(answer.json).toEqual(notFound)
    expect(api.faults).toEqual([])
  })

  it('tells an admin anybody, by the role in the table', async () => {
    expect(await api.get(user('cid'), root)).toMatchObject({
      status: 200,
      json: { organizationId: id('globex'), orgRole: 'owner' },
    })
    expect(names((await api.get(usersOf('globex'), root)).json)).toEqual(['cid'])
  })

  it('lists the users of an organization to its members', async () => {
    const answer = await api.get(usersOf('acme'), ann)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(names(answer.json)).toEqual(['Büro "B"', 'ann', 'bob'])
    expect(answer.json).toMatchObject({ nextCursor: null })
    const { users } = answer.json as { users: { id: string }[] }
    for (const one of users) {
      expect((await api.get(`/api/v1/users/${one.id}`, ann)).json).toEqual(one)
    }
  })

  it('lists them page by page', async () => {
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`
      const { json } = await api.get(`${usersOf('acme')}?limit=1${query}`, ann)
      expect(names(json)).toHaveLength(1)
      seen.push(...names(json))
      cursor = (json as { nextCursor: string | null }).nextCursor
      if (cursor !== null) expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
    } while (cursor !== null)
    expect(seen.toSorted()).toEqual(['Büro "B"', 'ann', 'bob'])
  })

  const encoded = (text: string) => Buffer.from(text).toString('base64url')
  it.each([
    ...['limit=0', 'limit=201', 'limit=-1', 'limit=1.5', 'limit=x', 'limit=', 'limit=1&limit=2'],
    ...['cursor=', 'cursor=%00', 'cursor=abc', 'cursor=%F0', 'cursor=a&cursor=b', 'cursor=dXNlcjo'],
    `cursor=${encoded('user:a\0b')}`,
    `cursor=${Buffer.from([...Buffer.from('user:'), 0xff]).toString('base64url')}`,
    `cursor=${encoded('other:1')}`,
    `cursor=${encoded('user:1')}=`,
    `cursor=${'A'.repeat(3_000)}`,
  ])('is 400 for %s', async (query) => {
    const answer = await api.get(`${usersOf('acme')}?${query}`, ann)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toMatch(problem)
    expect(answer.json).toMatchObject({ type: 'about:blank', status: 400 })
    expect(api.faults).toEqual([])
  })

  it('takes limits of 1 to 200', async () => {
    for (const limit of [1, 200]) {
      expect(await api.get(`${usersOf('acme')}?limit=${limit}`, ann)).toMatchObject({ status: 200 })
    }
  })

  it('is 400 for a cursor that is of no such id, where ids are of a type', async () => {
    if (tables.anyId) return
    const path = `${usersOf('acme')}?cursor=${encoded('user:nobody')}`
    expect(await api.get(path, ann)).toMatchObject({ status: 400 })
  })
})

describe('a request is refused', () => {
  let tables: Tables
  let api: UsersApi
  beforeAll(async () => {
    tables = memoryTables()
    api = await startUsersApi(tables)
    await tables.addUser({ id: 'ann' })
    await tables.addUser({ id: 'banned', banned: true, role: 'superadmin' })
  })
  afterAll(() => api.close())

  const long = 'x'.repeat(400)
  const paths = [
    ...['/api/v1/users/ann', '/api/v1/users/email/a@b', '/api/v1/organizations/x/users'],
    ...[
      `/api/v1/users/${long}`,
      `/api/v1/users/email/${long}`,
      `/api/v1/organizations/${long}/users`,
    ],
  ]
  const authorization = (as: Asker): string => authorizationOf({ id: (name) => name }, as)
  const refusals: readonly (readonly [string, string | undefined, number])[] = [
    ['missing_credential', undefined, 401],
    ['malformed_credential', 'Basic dXNlcjpwdw==', 401],
    ['invalid_token', `${authorization({ user: 'ann' })}x`, 401],
    ['expired_token', authorization({ user: 'ann', claims: { exp: 1 } }), 401],
    ['unknown_user', authorization({ user: 'nobody' }), 403],
    ['banned', authorization({ user: 'banned' }), 403],
  ]
  it.each(paths.flatMap((path) => refusals.map((refusal) => [path, ...refusal] as const)))(
    'at %s as %s',
    async (path, reason, header, status) => {
      // What is asked for plays no part: nor does a limit that cannot be read.
      for (const query of ['', '?limit=x']) {
        const init = header === undefined ? {} : { headers: { authorization: header } }
        const answer = await api.get(path + query, undefined, init)
        expect(answer.status).toBe(status)
        expect(answer.headers.get('content-type')).toMatch(problem)
        expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null)
        expect(answer.headers.get('cache-control')).toBe('no-store')
        expect(answer.json).toEqual({
          type: `urn:tenantgate:${reason}`,
          title: expect.any(String) as string,
          status,
        })
      }
    },
  )

  it('with two authorization headers, whichever comes first', async () => {
    const good = authorization({ user: 'ann' })
    for (const pair of [
      [good, 'Bearer x.y.z'],
      ['Bearer x.y.z', good],
      [good, good],
    ]) {
      const headers = pair.map((value) => ['authorization', value] as const)
      const answer = await rawRequest(api.url, { path: '/api/v1/users/ann', headers })
      expect(answer.status).toBe(401)
      expect(answer.body).toContain('urn:tenantgate:malformed_credential')
    }
    const one = [['authorization', good]] as const
    expect(await rawRequest(api.url, { path: '/api/v1/users/ann', headers: one })).toMatchObject({
      status: 200,
    })
  })

  it.each(['PUT', 'POST', 'TRACE', 'OPTIONS'])(
    'with 404 for a method it has not: %s',
    async (method) => {
      const answer = await rawRequest(api.url, { method, path: '/api/v1/users/ann' })
      expect(answer.status).toBe(404)
      expect(Object.keys(answer.headers).filter((name) => /^access-control/.test(name))).toEqual([])
    },
  )
})

describe('a fault', () => {
  const failing = (error: Error): Tables => ({
    ...memoryTables(),
    users: { byId: () => Promise.reject(error), byEmail: () => Promise.reject(error) },
  })
  async function apiOver(tables: Tables, options: Parameters<typeof startUsersApi>[1] = {}) {
    const api = await startUsersApi(tables, options)
    onTestFinished(api.close)
    await tables.addUser({ id: 'ann' })
    return api
  }
  const unavailable = {
    type: 'urn:tenantgate:unavailable',
    title: 'The decision could not be made in time',
    status: 503,
  }

  it('of authentication is 503, and told', async () => {
    const error = new Error('the password is hunter2')
    const api = await apiOver(memoryTables(), { deps: { readFact: () => Promise.reject(error) } })
    const answer = await api.get('/api/v1/users/ann', ann)
    expect(answer).toMatchObject({ status: 503, json: unavailable })
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(api.faults).toEqual([error])
  })

  it('of authentication in time is 503', async () => {
    const deps = { readFact: () => new Promise<never>(() => undefined) }
    const api = await apiOver(memoryTables(), { deps, timeoutMs: 50 })
    expect(await api.get('/api/v1/users/ann', ann)).toMatchObject({
      status: 503,
      json: unavailable,
    })
  })

  it('that is a bug is 500, told to us and not to the client', async () => {
    const error = new Error('the password is hunter2')
    const api = await apiOver(failing(error))
    const answer = await api.get('/api/v1/users/ann', ann)
    expect(answer).toMatchObject({
      status: 500,
      json: { type: 'about:blank', title: 'Internal error', status: 500 },
    })
    expect(api.faults).toEqual([error])
  })

  it('of the repositories in time is 503 with retry-after, and told', async () => {
    const never = () => new Promise<never>(() => undefined)
    const tables = { ...memoryTables(), users: { byId: never, byEmail: never } }
    const api = await apiOver(tables, { timeoutMs: 50 })
    const answer = await api.get('/api/v1/users/ann', ann)
    expect(answer).toMatchObject({ status: 503, json: unavailable })
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(api.faults).toMatchObject([{ code: 'DATABASE_UNAVAILABLE' }])
  })
})
