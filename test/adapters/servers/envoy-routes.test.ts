import { request as send } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type EnvoyServer, startEnvoy } from '../../../src/adapters/servers/envoy.ts'
import { startUpstream, type Upstream } from '../../../src/demo/upstream.ts'
import { servers } from '../../support/servers.ts'
import { type Check, startFakeAuthz } from './fake-authz.ts'

interface HeaderChange {
  readonly set?: Readonly<Record<string, string>>
  readonly remove?: readonly string[]
}

let change: HeaderChange = {}
const checks: Check[] = []
let upstream: Upstream
let authz: Awaited<ReturnType<typeof startFakeAuthz>>
let envoy: EnvoyServer

function allow(check: Check) {
  checks.push(check)
  const headers = Object.entries(change.set ?? {}).map(([key, value]) => ({
    header: { key, value },
    appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD',
  }))
  return { status: { code: 0 }, okResponse: { headers, headersToRemove: change.remove ?? [] } }
}

beforeAll(async () => {
  ;[upstream, authz] = await Promise.all([startUpstream(), startFakeAuthz(allow)])
  envoy = await startEnvoy({
    envoy: servers().envoy,
    authz: [authz.address],
    upstream: upstream.address,
  })
})
afterAll(async () => {
  await Promise.all([envoy.close(), upstream.close()])
  authz.close()
})
beforeEach(() => {
  change = {}
  checks.length = 0
  upstream.clear()
})

function ask(method: string, path: string, headers: Record<string, string> = {}) {
  const { hostname, port } = new URL(envoy.url)
  return new Promise<number | undefined>((resolve, reject) => {
    const request = send({ hostname, port, method, path, headers }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode))
    })
    request.once('error', reject).end()
  })
}

const REPORT = {
  permission: 'report:export',
  path: '/v1/orgs/{organizationId}/reports/{reportId}/export',
}

describe('what the shipped routes tell tenantgate', () => {
  it.each([
    ['POST', '/v1/orgs/o1/reports/r1/export', REPORT],
    ['POST', '/v1//orgs/o1/./reports/r1/export?permission=none', REPORT],
    ['GET', '/v1/orgs/o1/reports/r1/export', {}],
    ['POST', '/v1/orgs/o1/reports/r1/export/', {}],
    ['GET', '/v1/leave', { permission: 'leave:read' }],
    ['HEAD', '/v1/leave', {}],
    ['GET', '/v1/profile', { access: 'authenticated' }],
    ['GET', '/v1/status', { access: 'public' }],
    ['GET', '/v1/status/x', {}],
  ])('%s %s', async (method, path, extensions) => {
    expect(await ask(method, path, { host: 'envoy-routes.example.com:443' })).toBe(200)
    expect(checks).toHaveLength(1)
    expect(checks[0]?.attributes.contextExtensions ?? {}).toEqual(extensions)
    expect(checks[0]?.attributes.request.http.host).toBe('envoy-routes.example.com')
  })

  it('is nothing on any other host', async () => {
    await ask('GET', '/v1/status', { host: 'api.example.com', permission: 'x', access: 'public' })
    expect(checks[0]?.attributes.contextExtensions ?? {}).toEqual({})
  })
})

describe('the fence around what tenantgate may change', () => {
  it('lets identity headers through', async () => {
    change = { set: { 'x-user-id': 'u1', 'x-identity-assertion': 'a.b.c' }, remove: ['x-org-id'] }
    expect(await ask('GET', '/', { 'x-user-id': 'evil', authorization: 'Bearer t' })).toBe(200)
    expect(upstream.requests()[0]?.headers).toMatchObject({
      'x-user-id': 'u1',
      'x-identity-assertion': 'a.b.c',
      authorization: 'Bearer t',
    })
  })

  it.each<HeaderChange>([
    { set: { ':path': '/other' } },
    { set: { host: 'other' } },
    { set: { 'x-other': '1' } },
    { remove: ['authorization'] },
  ])('answers 500 to %o', async (forbidden) => {
    change = forbidden
    expect(await ask('GET', '/', { authorization: 'Bearer t' })).toBe(500)
    expect(upstream.requests()).toEqual([])
  })
})
