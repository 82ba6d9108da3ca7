import { describe, expect, it } from 'vitest'
import { askedPermissions, recordOf, type DecisionRecord } from '../../src/domain/record.ts'
import type { Fact } from '../../src/domain/fact.ts'
import { decide, factOf, nowMs, nowS, policyWith, requestOf, tokenOf } from '../support/builders.ts'
import type { RequestParts, World } from '../support/builders.ts'

const policy = policyWith([
  '{ name: leave.read, match: "GET /o/{organizationId}", permission: leave:read }',
  '{ name: watched, match: "PUT /o/{organizationId}", permission: leave:approve, mode: shadow }',
  '{ name: health, match: GET /healthz, access: public }',
])
const context = {
  decisionId: '01890000-0000-7000-8000-000000000000',
  nowMs,
  timestamp: '2026-11-20T12:00:00.000Z',
  durationUs: 143,
  worker: 2,
  loggedAllows: 1,
}

const recorded = (line: string, world: World = {}, parts?: RequestParts): DecisionRecord =>
  recordOf(decide(policy, requestOf(line, parts), world), context)

it('a record keeps of a header that names the tenant what can be one, and nothing of others', () => {
  const byHeader = policyWith(
    ['{ name: list, match: GET /leave, permission: leave:read }'],
    ['tenant: { header: x-organization-id }'],
  )
  const of = (headers: Record<string, string>): DecisionRecord['tenant_headers'] =>
    recordOf(decide(byHeader, requestOf('GET /leave', { headers })), context).tenant_headers
  expect(of({ 'x-organization-id': 'org-a', cookie: 'secret' })).toEqual({
    'x-organization-id': 'org-a',
  })
  expect(of({})).toEqual({ 'x-organization-id': null })
  expect(of({ 'x-organization-id': 'a secret, of any kind' })).toEqual({
    'x-organization-id': null,
  })
  expect(recorded('GET /o/org-a')).not.toHaveProperty('tenant_headers')
})

it('an allow says which share of allows is logged; a denial, of which all are, does not', () => {
  const sampled = { ...context, loggedAllows: 0.25 }
  const of = (fact: Fact): DecisionRecord =>
    recordOf(decide(policy, requestOf('GET /o/org-a'), { fact }), sampled)
  expect(of(factOf(['staff'])).share).toBe(0.25)
  expect(of(factOf(['x']))).not.toHaveProperty('share')
  expect(recorded('GET /o/org-a')).not.toHaveProperty('share')
})

it("a record keeps of Envoy's own route what plays a part, and no more", () => {
  const extensions = { access: 'public', upstream_password: 'secret' }
  expect(recorded('GET /x', {}, { extensions }).extensions).toEqual({ access: 'public' })
  expect(recorded('GET /x', {}, { extensions: { other: 'secret' } }).extensions).toBeNull()
})

it('a record holds all that the decision rested on, by the names of the contract', () => {
  const world = {
    token: tokenOf({ orgRole: 'staff', role: 'user' }, { kid: 'k1' }),
    fact: factOf(['viewer'], {
      source: 'redis',
      verifiedAtMs: nowMs - 812,
      dynamic: new Map([['lead', ['a:b']]]),
    }),
  }
  const parts = {
    host: 'api.example.com',
    headers: {
      authorization: 'Bearer a.b.c',
      'x-request-id': 'r1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
    extensions: { permission: 'leave:approve' },
  }
  expect(recorded('GET /o/org-a?secret=1', world, parts)).toEqual({
    type: 'decision',
    decision_id: context.decisionId,
    timestamp: context.timestamp,
    decision: 'deny',
    reason: 'permission_denied',
    status: 403,
    mode: 'enforce',
    policy: policy.version,
    route: 'leave.read',
    permission: ['leave:read', 'leave:approve'],
    method: 'GET',
    host: 'api.example.com',
    path: '/o/org-a',
    user_id: 'u1',
    organization_id: 'org-a',
    tenant: 'org-a',
    token: {
      alg: 'HS256',
      kid: 'k1',
      iat: nowS - 60,
      exp: nowS + 840,
      organization_id: 'org-a',
      org_roles: ['staff'],
      platform_roles: ['user'],
    },
    fact: {
      source: 'redis',
      rows: [['viewer']],
      dynamic: { lead: ['a:b'] },
      platform_roles: ['user'],
      banned: false,
      user: true,
      age_ms: 812,
    },
    extensions: { permission: 'leave:approve' },
    request_id: 'r1',
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    duration_us: 143,
    worker: 2,
  })
})

describe('a record', () => {
  it.each<[string, string, World, Partial<DecisionRecord>, RequestParts?]>([
    [
      'of a grant is an allow with 200',
      'GET /o/org-a',
      {},
      { decision: 'allow', reason: 'granted', status: 200 },
    ],
    [
      'of a route that does not exist names none',
      'GET /x',
      {},
      { route: null, path: '/x', token: null, fact: null, user_id: null },
    ],
    [
      'of a refusal in shadow mode is a deny',
      'PUT /o/org-a',
      { fact: factOf(['x']) },
      { decision: 'deny', reason: 'permission_denied', status: 403, mode: 'shadow' },
    ],
    [
      'of another tenant names both',
      'GET /o/org-b',
      {},
      { organization_id: 'org-a', tenant: 'org-b', reason: 'tenant_mismatch' },
    ],
    [
      'of a forged token holds nothing of it',
      'GET /o/org-a',
      { token: { why: 'x' } },
      { token: null, user_id: null, fact: null },
    ],
    [
      'without extensions has null',
      'GET /healthz',
      {},
      { extensions: null, request_id: null, trace_id: null },
    ],
    [
      'of a rule of Envoy alone names it',
      'GET /x',
      {},
      { route: 'context_extensions' },
      { extensions: { access: 'public' } },
    ],
    [
      'of no member has no rows',
      'GET /o/org-a',
      { fact: factOf([], { rows: [] }) },
      {
        reason: 'not_a_member',
        fact: {
          source: 'postgres',
          rows: [],
          dynamic: {},
          platform_roles: ['user'],
          banned: false,
          user: true,
          age_ms: 1000,
        },
      },
    ],
  ])('%s', (_title, line, world, expected, parts) => {
    expect(recorded(line, world, parts)).toMatchObject(expected)
  })

  it('has no age below zero', () => {
    const fact = factOf(['viewer'], { verifiedAtMs: nowMs + 500 })
    expect(recorded('GET /o/org-a', { fact }).fact?.age_ms).toBe(0)
  })

  it.each([
    ['is malformed', 'xyz'],
    ['has upper-case digits', '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01'],
    ['is cut', '00-0af7651916cd43dd8448eb211c80319c'],
  ])('has no trace id where traceparent %s', (_title, traceparent) => {
    expect(recorded('GET /healthz', {}, { headers: { traceparent } }).trace_id).toBeNull()
  })

  it('keeps dynamic roles that objects have as their own', () => {
    const fact = factOf(['viewer'], { dynamic: new Map([['__proto__', ['a:b']]]) })
    expect(JSON.stringify(recorded('GET /o/org-a', { fact }).fact?.dynamic)).toBe(
      '{"__proto__":["a:b"]}',
    )
  })

  it('names each permission once', () => {
    const request = requestOf('GET /o/org-a', { extensions: { permission: 'leave:read' } })
    expect(askedPermissions(decide(policy, request))).toEqual(['leave:read'])
  })
})

describe('a record holds nothing secret', () => {
  const secret = 's3cr3t'
  const headers = {
    authorization: `Bearer ${secret}.${secret}.${secret}`,
    cookie: `better-auth.session_token=${secret}`,
    'x-api-key': secret,
  }
  it.each<[string, string, World]>([
    ['granted', `GET /o/org-a?token=${secret}#${secret}`, {}],
    ['no_route', `GET /x?token=${secret}`, {}],
    ['ambiguous_path', `GET /o;a?token=${secret}`, {}],
    ['ambiguous_path', `GET /o/org-a#${secret}`, {}],
    ['bad_request', `GET ?token=${secret}`, {}],
    ['invalid_token', `GET /o/org-a?token=${secret}`, { token: { why: secret } }],
    ['expired_token', `GET /o/org-a`, { token: tokenOf({ exp: 1, jti: secret, email: secret }) }],
    ['tenant_mismatch', `GET /o/org-b`, { token: tokenOf({ jti: secret, email: secret }) }],
    ['unavailable', `GET /o/org-a?token=${secret}`, { fact: 'down' }],
    ['permission_denied', `GET /o/org-a?token=${secret}`, { fact: factOf(['x']) }],
  ])('of a request that is %s', (reason, line, world) => {
    const record = recorded(line, world, { headers })
    expect(record.reason).toBe(reason)
    expect(JSON.stringify(record)).not.toContain(secret)
  })

  it('where the token is in the wrong header form', () => {
    const forms = { authorization: `Basic ${secret}`, 'proxy-authorization': secret }
    expect(JSON.stringify(recorded('GET /o/org-a', {}, { headers: forms }))).not.toContain(secret)
  })
})
