import { afterAll, beforeAll, expect, it } from 'vitest'
import { createUserRoutes } from '../../../src/adapters/http/user-routes.ts'
import { startHttpServer, type HttpServer } from '../../../src/adapters/http/server.ts'
import { createPostgresOrganizationRepository } from '../../../src/adapters/postgres/organization-repository.ts'
import { createPostgresUserRepository } from '../../../src/adapters/postgres/user-repository.ts'
import { createAuthenticate } from '../../../src/application/authenticate.ts'
import { createUsers } from '../../../src/application/users.ts'
import { startBetterAuth, type BetterAuthServer } from '../../../src/demo/better-auth-server.ts'
import { createPersonas, type Persona, type Personas } from '../../../src/demo/personas.ts'
import { openAdapters, type Adapters } from '../../support/postgres-tables.ts'
import { freshDatabase } from '../../support/servers.ts'
import { verifierWith } from '../../support/tokens.ts'

const secret = 'a secret of thirty-two characters or more'
let auth: BetterAuthServer
let personas: Personas
let adapters: Adapters
let server: HttpServer

beforeAll(async () => {
  const databaseUrl = await freshDatabase('users')
  auth = await startBetterAuth({ databaseUrl, secret, tokens: 'HS256' })
  personas = await createPersonas(auth)
  adapters = openAdapters(databaseUrl)
  const facts = adapters.facts()
  const authenticate = createAuthenticate({
    tokens: verifierWith(undefined, [secret]),
    readFact: (pair, signal) => facts.read(pair, signal),
    rules: { issuers: [auth.baseURL], audiences: [auth.baseURL] },
    now: () => Date.now(),
    onFault: () => undefined,
  })
  const users = createUsers({
    users: createPostgresUserRepository(adapters),
    organizations: createPostgresOrganizationRepository(adapters),
  })
  server = await startHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    readiness: () => ({ status: 'ready', components: {} }),
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    routes: [createUserRoutes({ authenticate, users, timeoutMs: 5_000 })],
    onFault: () => undefined,
  })
})
afterAll(async () => {
  await server.close()
  await adapters.database.close()
  await auth.close()
})

async function get(path: string, { token }: Persona) {
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`http://${server.address}${path}`, { headers })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

it('tells users of a real Better Auth to whom they may be told', async () => {
  const { acme, banned, globex, organizations, outsider, superadmin } = personas
  const owner = await get(`/api/v1/users/${acme.owner.userId}`, acme.viewer)
  expect(owner).toMatchObject({
    status: 200,
    json: {
      email: 'acme-owner@example.com',
      role: 'user',
      organizationId: organizations.acme,
      orgRole: 'owner',
      managerId: null,
    },
  })
  expect(await get('/api/v1/users/email/ACME-owner@example.com', acme.viewer)).toEqual(owner)
  expect(await get(`/api/v1/users/${outsider.userId}`, outsider)).toMatchObject({
    json: { organizationId: null, orgRole: null },
  })
  expect(await get(`/api/v1/users/${globex.owner.userId}`, superadmin)).toMatchObject({
    json: { organizationId: organizations.globex },
  })
  expect(await get(`/api/v1/users/${banned.userId}`, acme.staff)).toMatchObject({
    json: { banned: true, banReason: 'demo', orgRole: 'staff' },
  })
  for (const [person, by] of [
    [globex.owner, acme.owner],
    [acme.owner, outsider],
    [superadmin, acme.owner],
  ] as const) {
    expect((await get(`/api/v1/users/${person.userId}`, by)).status).toBe(404)
    expect((await get(`/api/v1/users/email/${person.email}`, by)).status).toBe(404)
  }
  expect((await get(`/api/v1/users/${acme.owner.userId}`, banned)).status).toBe(403)
})

it('lists the users of an organization, page by page, also while one leaves', async () => {
  const { acme, organizations, outsider } = personas
  const path = `/api/v1/organizations/${organizations.acme}/users?limit=2`
  const emails: string[] = []
  let cursor: unknown = null
  do {
    const query = typeof cursor === 'string' ? `&cursor=${cursor}` : ''
    const { json } = await get(path + query, acme.staff)
    emails.push(...(json['users'] as { email: string }[]).map(({ email }) => email))
    cursor = json['nextCursor']
  } while (cursor !== null)
  expect(emails.toSorted()).toEqual([
    ...['acme-admin@example.com', 'acme-owner@example.com', 'acme-staff@example.com'],
    ...['acme-viewer@example.com', 'banned@example.com'],
  ])
  expect((await get(path, outsider)).status).toBe(404)
  await auth.call('/organization/leave', {
    body: { organizationId: organizations.acme },
    session: acme.viewer.session,
  })
  expect((await get(path, acme.viewer)).status).toBe(404)
  expect((await get(`/api/v1/users/${acme.viewer.userId}`, acme.staff)).status).toBe(404)
  expect((await get(`/api/v1/users/${acme.viewer.userId}`, acme.viewer)).json).toMatchObject({
    organizationId: null,
  })
})
