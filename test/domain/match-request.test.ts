import { describe, expect, it } from 'vitest'
import type { Reason } from '../../src/domain/decision.ts'
import { decide, factOf, policyWith, requestOf, tokenOf } from '../support/builders.ts'
import type { RequestParts } from '../support/builders.ts'

const policy = policyWith([
  '{ name: leave, match: "GET /o/{organizationId}/leave", permission: leave:read }',
  '{ name: file, match: "GET /o/{organizationId}/files/{name:text}", permission: leave:read }',
  '{ name: tree, match: "GET /o/{organizationId}/tree/{path...}", permission: leave:read }',
  '{ name: team, match: GET /team, permission: leave:read, tenant: { header: X-Team } }',
  '{ name: me, match: GET /me, access: authenticated }',
  '{ name: health, match: GET /healthz, access: public }',
  '{ name: inside, match: GET /in, access: public, hosts: ["*.in.example.com"] }',
])

const reasonOf = (line: string, parts?: RequestParts): Reason =>
  decide(policy, requestOf(line, parts), { fact: factOf(['viewer']) }).reason

const anonymous = { headers: {} }

describe('step 1 refuses as bad_request', () => {
  it.each<[string, string, RequestParts?]>([
    ['a missing method', ' /healthz'],
    ['a missing path', 'GET '],
    ['a query alone', 'GET ?a=b'],
    ['CONNECT', 'CONNECT /healthz'],
    ['CONNECT to an authority', 'CONNECT api.example.com:443'],
    ['a path longer than 8 kB', `GET /${'a'.repeat(8192)}`],
    ['a comma in host', 'GET /healthz', { host: 'a.com,b.com' }],
    ['a comma at the end of host', 'GET /healthz', { host: 'a.com,' }],
    [
      'a comma in a header that names the tenant',
      'GET /team',
      { headers: { 'x-team': 'org-a,org-b' } },
    ],
    ['the same tenant twice in its header', 'GET /team', { headers: { 'x-team': 'org-a,org-a' } }],
    [
      'such a header on a route that does not read it',
      'GET /healthz',
      { headers: { 'x-team': 'a,b' } },
    ],
    ['a comma in host before an ambiguous path', 'GET /a//b', { host: 'a.com,b.com' }],
    ['CONNECT before an ambiguous path', 'CONNECT /a//b'],
  ])('%s', (_title, line, parts) => {
    expect(reasonOf(line, parts)).toBe('bad_request')
  })
})

describe('step 1 lets pass', () => {
  it.each<[string, string, RequestParts]>([
    ['a missing host', 'GET /healthz', { host: '' }],
    ['a comma in another header', 'GET /healthz', { headers: { accept: 'a,b' } }],
    ['a comma in the path', 'GET /o/org-a/files/a,b', {}],
    ['a comma in the query', 'GET /healthz?a,b', {}],
    ['a long query', `GET /healthz?${'a'.repeat(9000)}`, {}],
  ])('%s', (_title, line, parts) => {
    expect(reasonOf(line, parts)).toBe('granted')
  })
})

describe('step 2 refuses as ambiguous_path', () => {
  it.each([
    ['an encoded letter where {name} stands', 'GET /o/org-%61/leave'],
    ['an encoded letter in a literal', 'GET /o/org-a/le%61ve'],
    ['an encoded slash in a text', 'GET /o/org-a/files/a%2Fb'],
    ['a double encoding in a text', 'GET /o/org-a/files/a%252Fb'],
    ['an encoded dot segment in a text', 'GET /o/org-a/files/%2e%2e'],
    ['an encoding in a rest', 'GET /o/org-a/tree/a/%20'],
    ['an encoding where the text stands for another method', 'POST /o/org-a/files/a%20b'],
    ['an encoding where no route is', 'GET /nowhere/%20'],
    ['a slash too many before a public route', 'GET //healthz'],
    ['a way up from a public route', 'GET /healthz/../me'],
    ['the asterisk form', 'OPTIONS *'],
    ['the absolute form', 'GET http://api.example.com/healthz'],
    ['a semicolon after a public route', 'GET /healthz;a'],
  ])('%s', (_title, line) => {
    expect(reasonOf(line)).toBe('ambiguous_path')
  })

  it('lets an encoding pass where {name:text} takes it', () => {
    expect(reasonOf('GET /o/org-a/files/a%20b')).toBe('granted')
    expect(reasonOf('GET /o/org-a/files/%E2%82%AC?x=%2F')).toBe('granted')
  })
})

describe('step 3 refuses as no_route', () => {
  it.each<[string, string, RequestParts?]>([
    ['an unknown path', 'GET /nowhere'],
    ['another method', 'POST /healthz'],
    ['HEAD where GET alone is named', 'HEAD /healthz'],
    ['a method in lower case', 'get /healthz'],
    ['a trailing slash', 'GET /healthz/'],
    ['a rest of nothing', 'GET /o/org-a/tree'],
    ['another host', 'GET /in', { host: 'example.com' }],
    ['the bare name of a wildcard', 'GET /in', { host: 'in.example.com' }],
    ['a host that only ends alike', 'GET /in', { host: 'login.example.com' }],
    ['no host where one is asked', 'GET /in', { host: '' }],
    ['a route by the query', 'GET /nowhere?/healthz'],
  ])('%s', (_title, line, parts) => {
    expect(reasonOf(line, parts)).toBe('no_route')
  })

  it.each(['a.in.example.com', 'A.B.IN.example.com:8080', 'a.in.example.com.'])(
    'lets %s pass for its wildcard',
    (host) => {
      expect(reasonOf('GET /in', { host })).toBe('granted')
    },
  )
})

describe('step 4 allows on a public route', () => {
  it.each<[string, RequestParts]>([
    ['without a token', anonymous],
    ['with an empty authorization', { headers: { authorization: '' } }],
    ['with another scheme', { headers: { authorization: 'Basic x' } }],
    ['with two tokens', { headers: { authorization: 'Bearer a.b.c,Bearer a.b.c' } }],
  ])('%s', (_title, parts) => {
    expect(reasonOf('GET /healthz', parts)).toBe('granted')
  })

  it('whatever the token and the fact', () => {
    const world = { token: { why: 'forged' }, fact: 'down' } as const
    expect(decide(policy, requestOf('GET /healthz'), world).reason).toBe('granted')
  })
})

describe("Envoy's rule alone", () => {
  it.each<[string, Record<string, string>, Reason]>([
    ['allows with the permission', { permission: 'leave:read' }, 'granted'],
    ['refuses without the permission', { permission: 'leave:approve' }, 'permission_denied'],
    [
      'asks for all of its permissions',
      { permission: 'leave:read,leave:approve' },
      'permission_denied',
    ],
    ['allows authenticated', { access: 'authenticated' }, 'granted'],
    ['allows public', { access: 'public' }, 'granted'],
    ['is no_route with an empty permission', { permission: '' }, 'no_route'],
    ['is no_route with an unknown access', { access: 'all' }, 'no_route'],
    ['is no_route with an unreadable path', { permission: 'leave:read', path: '/{' }, 'no_route'],
    [
      'is no_route with a path that does not match',
      { permission: 'leave:read', path: '/p/{organizationId}' },
      'no_route',
    ],
    [
      'is no_route with a path without the tenant',
      { permission: 'leave:read', path: '/x/{o}' },
      'no_route',
    ],
    ['is none without its keys', { team: 'x' }, 'no_route'],
    [
      "reads the tenant by its path, the token's own",
      { permission: 'leave:read', path: '/x/{organizationId}' },
      'granted',
    ],
  ])('%s', (_title, extensions, reason) => {
    expect(reasonOf('GET /x/org-a', { extensions })).toBe(reason)
  })

  it('refuses another tenant that its path names', () => {
    const extensions = { permission: 'leave:read', path: '/x/{organizationId}' }
    expect(reasonOf('GET /x/org-b', { extensions })).toBe('tenant_mismatch')
  })

  it("takes the token's tenant without a path, and refuses a token that has none", () => {
    const request = requestOf('GET /x', { extensions: { permission: 'leave:read' } })
    const { evaluation } = decide(policy, request)
    expect(evaluation.tenancy).toMatchObject({ tenant: 'org-a', pair: { organization: 'org-a' } })
    const token = tokenOf({ organizationId: undefined })
    const noSupport = policyWith([])
    expect(decide(noSupport, request, { token, fact: factOf(['owner']) }).reason).toBe(
      'tenant_mismatch',
    )
  })

  it('asks for a token unless it is public', () => {
    const asked = { ...anonymous, extensions: { access: 'authenticated' } }
    expect(reasonOf('GET /x', asked)).toBe('missing_credential')
    expect(reasonOf('GET /x', { ...anonymous, extensions: { access: 'public' } })).toBe('granted')
  })

  it.each([
    ['takes an encoding that its {name:text} takes', 'GET /x/org-a/%20', 'granted'],
    ['leaves an encoding that it does not take ambiguous', 'GET /x/org-%61/y', 'ambiguous_path'],
    ['leaves an encoding ambiguous where it does not match', 'GET /y/%20', 'ambiguous_path'],
  ])('%s', (_title, line, reason) => {
    const extensions = { permission: 'leave:read', path: '/x/{organizationId}/{name:text}' }
    expect(reasonOf(line, { extensions })).toBe(reason)
  })

  it('without a template takes no encoding', () => {
    expect(reasonOf('GET /x/%20', { extensions: { permission: 'leave:read' } })).toBe(
      'ambiguous_path',
    )
  })

  it('does not open what steps 1 and 2 refuse', () => {
    const extensions = { access: 'public' }
    expect(reasonOf('CONNECT /x', { extensions })).toBe('bad_request')
    expect(reasonOf('GET /x;y', { extensions })).toBe('ambiguous_path')
  })
})

describe("Envoy's rule together with a route of the policy", () => {
  it.each<[string, string, Record<string, string>, Reason]>([
    ['allows where both allow', 'GET /o/org-a/leave', { permission: 'leave:read' }, 'granted'],
    [
      'refuses where it alone refuses',
      'GET /o/org-a/leave',
      { permission: 'leave:approve' },
      'permission_denied',
    ],
    [
      'does not open what the policy asks for',
      'GET /o/org-a/leave',
      { access: 'public' },
      'granted',
    ],
    [
      'asks for its permission on a public route',
      'GET /healthz',
      { permission: 'leave:approve' },
      'permission_denied',
    ],
    [
      'asks for its permission on an authenticated route',
      'GET /me',
      { permission: 'leave:approve' },
      'permission_denied',
    ],
    [
      'allows on a public route with its permission',
      'GET /healthz',
      { permission: 'leave:read' },
      'granted',
    ],
    ['is no_route where it cannot be read', 'GET /healthz', { permission: '' }, 'no_route'],
    ['is no_route where its access is unknown', 'GET /healthz', { access: 'x' }, 'no_route'],
    [
      'is no_route where its path does not match',
      'GET /o/org-a/leave',
      { permission: 'leave:read', path: '/p/{organizationId}' },
      'no_route',
    ],
    [
      'takes the tenant of the route without a path',
      'GET /o/org-b/leave',
      { permission: 'leave:read' },
      'tenant_mismatch',
    ],
    [
      'allows where both name the same tenant',
      'GET /o/org-a/leave',
      { permission: 'leave:read', path: '/o/{organizationId}/leave' },
      'granted',
    ],
    [
      'refuses where both name different tenants',
      'GET /o/org-a/tree/org-b',
      { permission: 'leave:read', path: '/o/{x}/tree/{organizationId}' },
      'tenant_mismatch',
    ],
  ])('%s', (_title, line, extensions, reason) => {
    expect(reasonOf(line, { extensions })).toBe(reason)
  })

  it('is opened in another tenant by a platform role that satisfies both alone', () => {
    const request = requestOf('GET /o/org-b/leave', { extensions: { permission: 'leave:approve' } })
    const decided = (role: string): Reason =>
      decide(policy, request, { fact: factOf(['owner'], { platformRoles: [role] }) }).reason
    expect(decided('superadmin')).toBe('granted')
    expect(decided('support')).toBe('tenant_mismatch')
  })

  it('refuses two tenants where the token names none', () => {
    const extensions = { permission: 'leave:read', path: '/o/{x}/tree/{organizationId}' }
    const world = { token: tokenOf({ organizationId: undefined }), fact: factOf(['owner']) }
    const decided = (line: string): Reason =>
      decide(policy, requestOf(line, { extensions }), world).reason
    expect(decided('GET /o/org-a/tree/org-b')).toBe('tenant_mismatch')
    expect(decided('GET /o/org-a/tree/org-a')).toBe('granted')
  })

  it('asks for a token where one of the two does', () => {
    const headers = {}
    expect(reasonOf('GET /healthz', { headers, extensions: { access: 'authenticated' } })).toBe(
      'missing_credential',
    )
    expect(reasonOf('GET /o/org-a/leave', { headers, extensions: { access: 'public' } })).toBe(
      'missing_credential',
    )
    expect(reasonOf('GET /healthz', { headers, extensions: { access: 'public' } })).toBe('granted')
  })

  it('keeps the permission of the policy where Envoy asks for another', () => {
    const request = requestOf('GET /o/org-a/leave', { extensions: { permission: 'leave:approve' } })
    const decided = (role: string): Reason =>
      decide(policy, request, { fact: factOf([role]) }).reason
    expect(decided('viewer')).toBe('permission_denied')
    expect(decided('approver')).toBe('permission_denied')
    expect(decided('staff')).toBe('granted')
  })

  it('asks for a platform role on a route without a tenant', () => {
    const scoped = policyWith([
      '{ name: all, match: GET /all, permission: leave:read, tenant: none }',
    ])
    const request = requestOf('GET /all', { extensions: { permission: 'leave:approve' } })
    const decided = (platformRoles: readonly string[]): Reason =>
      decide(scoped, request, { fact: factOf(['owner'], { platformRoles }) }).reason
    expect(decided([])).toBe('permission_denied')
    expect(decided(['support'])).toBe('permission_denied')
    expect(decided(['superadmin'])).toBe('granted')
  })
})
