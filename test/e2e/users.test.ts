import { afterAll, beforeAll, expect, it } from 'vitest'
import { startEnvoy, type EnvoyServer } from '../../src/adapters/servers/envoy.ts'
import { startStack, type Stack } from '../../src/demo/stack.ts'
import { bearer, rawRequest, reasonOf } from '../support/raw-http.ts'
import { servers } from '../support/servers.ts'

/** The users API as an upstream of the gateway that it decides for. */
let stack: Stack
let edge: EnvoyServer
beforeAll(async () => {
  stack = await startStack({
    ...servers(),
    tokens: 'EdDSA',
    policy: 'test/cases/users.policy.yaml',
  })
  edge = await startEnvoy({
    envoy: servers().envoy,
    authz: [stack.tenantgate.grpcAddress],
    upstream: stack.tenantgate.httpAddress,
  })
})
afterAll(async () => {
  await edge.close()
  await stack.close()
})

const get = async (path: string, token: string) => {
  const { status, body } = await rawRequest(edge.url, { path, headers: [bearer(token)] })
  return { status, body: JSON.parse(body) as Readonly<Record<string, unknown>> }
}

it('a member sees itself and its colleagues, by id, by address and in the list', async () => {
  const { acme, organizations } = stack.personas
  const { token } = acme.viewer
  const place = { organizationId: organizations.acme, orgRole: 'staff' }
  expect(await get(`/api/v1/users/${acme.viewer.userId}`, token)).toMatchObject({
    status: 200,
    body: { id: acme.viewer.userId, orgRole: 'viewer' },
  })
  expect(await get(`/api/v1/users/${acme.staff.userId}`, token)).toMatchObject({
    status: 200,
    body: { email: acme.staff.email, banned: false, ...place },
  })
  expect(await get(`/api/v1/users/email/${acme.staff.email}`, token)).toMatchObject({
    status: 200,
    body: { id: acme.staff.userId, ...place },
  })
  const list = await get(`/api/v1/organizations/${organizations.acme}/users?limit=2`, token)
  expect(list).toMatchObject({ status: 200, body: { nextCursor: expect.any(String) as string } })
  expect(list.body['users']).toHaveLength(2)
})

it('who belongs elsewhere is not found, and nobody unknown or banned asks', async () => {
  const { acme, banned, globex, organizations, superadmin } = stack.personas
  const path = `/api/v1/users/${globex.staff.userId}`
  expect((await get(path, acme.owner.token)).status).toBe(404)
  expect((await get(path, superadmin.token)).status).toBe(200)
  const users = `/api/v1/organizations/${organizations.globex}/users`
  expect((await get(users, acme.owner.token)).status).toBe(404)
  const refused = await rawRequest(edge.url, { path, headers: [bearer(banned.token)] })
  expect([refused.status, reasonOf(refused)]).toEqual([403, 'banned'])
})

it('what Better Auth does now is said to be gone, and where to', async () => {
  const path = `/api/v1/users/${stack.personas.acme.staff.userId}`
  const { body, headers, status } = await rawRequest(edge.url, { method: 'DELETE', path })
  expect(status).toBe(410)
  expect(headers).toMatchObject({
    'content-type': expect.stringContaining('application/problem+json') as string,
    location: '/api/auth/admin/remove-user',
  })
  expect(JSON.parse(body)).toMatchObject({ successor: '/api/auth/admin/remove-user' })
})
