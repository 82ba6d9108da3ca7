import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuthorizationServer } from '../../src/adapters/envoy/grpc-js-server.ts'
import type { Decision } from '../../src/domain/evaluation.ts'
import {
  authorizationClient,
  httpRequestBytes,
  type Answer,
  type AuthorizationClient,
} from '../support/authorization-client.ts'
import { observed, serve, startServer } from '../support/authorization-server.ts'
import { bearer, decide, factOf, policyWith, requestOf, tokenOf } from '../support/builders.ts'
import type { World } from '../support/builders.ts'

const policy = policyWith(
  [
    '{ name: read, match: "GET /orgs/{organizationId}/leave", permission: leave:read }',
    '{ name: approve, match: "POST /orgs/{organizationId}/leave", permission: [leave:read, leave:approve] }',
    '{ name: watched, match: "PUT /orgs/{organizationId}/leave", permission: leave:approve, mode: shadow }',
    '{ name: everywhere, match: GET /all, permission: leave:read, tenant: none }',
    '{ name: me, match: GET /me, access: authenticated }',
    '{ name: open, match: GET /open, access: public }',
  ],
  ['tenant: { path: organizationId }'],
)
const leave = '/orgs/org-a/leave'
const whole: World = { fact: factOf(['staff', 'viewer'], { platformRoles: ['user', 'support'] }) }
const isMember = { fact: factOf(['viewer']) }

let world: World = {}
let server: AuthorizationServer
let client: AuthorizationClient

beforeAll(async () => {
  server = await startServer({ check: async (request) => observed(policy, request, world) })
  client = authorizationClient(server.address)
})
afterAll(async () => {
  client.close()
  await server.close()
})

/** The answer on the wire to a request line, in a world. */
async function answerTo(
  line: string,
  during: World = {},
  headers: Readonly<Record<string, string>> = { authorization: bearer },
): Promise<Answer> {
  world = during
  const [method, path] = line.split(' ')
  return client.check(httpRequestBytes({ method, path, host: 'api.example.com', headers }))
}

const named = (answer: Answer): Readonly<Record<string, string>> =>
  Object.fromEntries(answer.headers)

describe('an allow', () => {
  it('carries every identity header that applies, and nothing else', async () => {
    const answer = await answerTo(`GET ${leave}`, whole)
    expect(answer).toEqual({
      code: 0,
      kind: 'ok_response',
      httpStatus: undefined,
      headers: [
        ['x-user-id', 'u1'],
        ['x-org-id', 'org-a'],
        ['x-org-role', 'staff,viewer'],
        ['x-user-role', 'user,support'],
        ['x-authz-decision-id', 'decision-1'],
      ],
      overwrites: true,
      remove: [],
      body: undefined,
      metadata: {
        decision_id: 'decision-1',
        reason: 'granted',
        route: 'read',
        permission: 'leave:read',
        user_id: 'u1',
        organization_id: 'org-a',
        org_role: 'staff,viewer',
        source: 'postgres',
        policy: policy.version,
      },
    })
  })

  it.each<[string, string, World, Readonly<Record<string, string>>, readonly string[]]>([
    [
      'removes all identity headers on a public route',
      'GET /open',
      whole,
      {},
      ['x-user-id', 'x-org-id', 'x-org-role', 'x-user-role'],
    ],
    [
      'removes the organization on an authenticated route',
      'GET /me',
      whole,
      { 'x-user-id': 'u1', 'x-user-role': 'user,support' },
      ['x-org-id', 'x-org-role'],
    ],
    [
      'removes the organization on a platform route',
      'GET /all',
      { fact: factOf([], { platformRoles: ['support'] }) },
      { 'x-user-id': 'u1', 'x-user-role': 'support' },
      ['x-org-id', 'x-org-role'],
    ],
    [
      'keeps the request’s tenant, and no role in it, for a platform role of another one',
      'GET /orgs/org-b/leave',
      { fact: factOf(['staff'], { platformRoles: ['support'] }) },
      { 'x-user-id': 'u1', 'x-org-id': 'org-b', 'x-user-role': 'support' },
      ['x-org-role'],
    ],
    [
      'gives only proven headers to what a shadow rule lets pass',
      `PUT ${leave}`,
      { token: { why: 'forged' } },
      {},
      ['x-user-id', 'x-org-id', 'x-org-role', 'x-user-role'],
    ],
    [
      'percent-encodes what is not ASCII in a role',
      `GET ${leave}`,
      { fact: factOf(['viewer', 'Büro\r\nx-user-id: root'], { platformRoles: [] }) },
      {
        'x-user-id': 'u1',
        'x-org-id': 'org-a',
        'x-org-role': 'viewer,B%C3%BCro%0D%0Ax-user-id: root',
      },
      ['x-user-role'],
    ],
  ])('%s', async (_title, line, during, headers, removed) => {
    const answer = await answerTo(line, during, {
      authorization: bearer,
      'x-user-id': 'root',
      'x-org-id': 'evil',
      'x-org-role': 'owner',
      'x-user-role': 'superadmin',
    })
    expect(answer).toMatchObject({ code: 0, kind: 'ok_response', overwrites: true })
    expect(named(answer)).toEqual({ ...headers, 'x-authz-decision-id': 'decision-1' })
    expect(answer.remove).toEqual(removed)
  })

  it('names headers as the policy does', async () => {
    const renaming = policyWith(
      ['{ name: me, match: GET /me, access: authenticated }'],
      ['headers: { userId: X-Subject, organizationId: x-tenant }'],
    )
    const { client: other } = await serve({ check: async (r) => observed(renaming, r, whole) })
    const answer = await other.check(
      httpRequestBytes({ method: 'GET', path: '/me', headers: { authorization: bearer } }),
    )
    expect(answer.headers[0]).toEqual(['x-subject', 'u1'])
    expect(answer.remove).toEqual(['x-tenant', 'x-org-role'])
  })

  it('of a refusal in shadow mode tells the reason in its metadata', async () => {
    const answer = await answerTo(`PUT ${leave}`, isMember)
    expect(answer).toMatchObject({
      code: 0,
      metadata: { reason: 'permission_denied', route: 'watched', permission: 'leave:approve' },
    })
  })
})

/** Status and title as contract section 4 and docs name them. */
const denials: readonly [reason: string, status: number, line: string, world: World][] = [
  ['bad_request', 400, 'CONNECT /open', {}],
  ['ambiguous_path', 400, 'GET /orgs/../open', {}],
  ['no_route', 403, 'DELETE /open', {}],
  ['invalid_token', 401, `GET ${leave}`, { token: { why: 'forged' } }],
  ['expired_token', 401, `GET ${leave}`, { token: tokenOf({ exp: 1 }) }],
  ['tenant_mismatch', 403, 'POST /orgs/org-b/leave', {}],
  ['unknown_user', 403, `GET ${leave}`, { fact: factOf([], { user: false, rows: [] }) }],
  ['banned', 403, `GET ${leave}`, { fact: factOf(['staff'], { banned: true }) }],
  ['not_a_member', 403, `GET ${leave}`, { fact: factOf([], { rows: [] }) }],
  ['permission_denied', 403, `POST ${leave}`, isMember],
  ['unavailable', 503, `GET ${leave}`, { fact: 'down' }],
]

describe('a denial', () => {
  it.each(denials)('for %s is HTTP %d with a problem document', async (reason, status, line, w) => {
    const answer = await answerTo(line, w)
    expect(answer.code).toBeGreaterThan(0)
    expect(answer).toMatchObject({ kind: 'denied_response', httpStatus: status, overwrites: true })
    expect(answer.body).toEqual({
      type: `urn:tenantgate:${reason}`,
      title: expect.stringMatching(/^[A-Z][A-Za-z ]+$/) as string,
      status,
      decision_id: 'decision-1',
    })
    expect(named(answer)).toEqual({
      'content-type': 'application/problem+json',
      'x-authz-decision-id': 'decision-1',
      ...(status === 401 && { 'www-authenticate': 'Bearer' }),
      ...(status === 503 && { 'retry-after': '1' }),
    })
    expect(answer.headers).toHaveLength(Object.keys(named(answer)).length)
    expect(answer.metadata).toMatchObject({ reason, decision_id: 'decision-1' })
  })

  it.each<[string, Readonly<Record<string, string>>]>([
    ['missing_credential', {}],
    ['missing_credential', { authorization: '' }],
    ['malformed_credential', { authorization: 'Basic dTpw' }],
    ['malformed_credential', { authorization: `${bearer},${bearer}` }],
  ])('for %s asks for a bearer token', async (reason, headers) => {
    const answer = await answerTo(`GET ${leave}`, {}, headers)
    expect(answer).toMatchObject({ httpStatus: 401, body: { type: `urn:tenantgate:${reason}` } })
    expect(named(answer)['www-authenticate']).toBe('Bearer')
  })

  it('names neither subject, tenant, role, permission nor policy to the client', async () => {
    const answer = await answerTo(`POST ${leave}`, isMember)
    const seen = JSON.stringify([answer.body, answer.headers])
    for (const secret of ['u1', 'org-a', 'viewer', 'leave', 'approve', policy.version]) {
      expect(seen).not.toContain(secret)
    }
    expect(answer.metadata).toMatchObject({
      user_id: 'u1',
      organization_id: 'org-a',
      route: 'approve',
      permission: 'leave:approve,leave:read',
    })
  })

  it('is what comes of a grant that does not pass, which only a bug can make', async () => {
    const granted = decide(policy, requestOf(`GET ${leave}`), whole)
    const decision: Decision = { ...granted, passes: false }
    const { client: other } = await serve({
      check: async () => ({ decision, decisionId: 'decision-1' }),
    })
    const answer = await other.check(httpRequestBytes({ method: 'GET', path: leave }))
    expect(answer).toMatchObject({ kind: 'denied_response', httpStatus: 503 })
    expect(answer.code).toBeGreaterThan(0)
  })
})
