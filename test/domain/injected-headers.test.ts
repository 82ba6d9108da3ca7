import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../src/domain/evaluation.ts'
import { decisionIdHeader, injectedHeaders } from '../../src/domain/injected-headers.ts'
import { decide, factOf, nowS, policyWith, requestOf, tokenOf } from '../support/builders.ts'
import type { RequestParts, World } from '../support/builders.ts'

const routes = (extra = ''): readonly string[] => [
  `{ name: leave, match: "GET /o/{organizationId}", permission: leave:read${extra} }`,
  `{ name: all, match: GET /all, permission: leave:read, tenant: none${extra} }`,
  `{ name: team, match: GET /team, permission: leave:read, tenant: { header: x-team }${extra} }`,
  '{ name: me, match: GET /me, access: authenticated }',
  '{ name: health, match: GET /healthz, access: public }',
]
const policy = policyWith(routes())
const shadow = policyWith(routes(', mode: shadow'))
const onClaims = policyWith(routes(', whenUnavailable: claims'))
const names = ['x-user-id', 'x-org-id', 'x-org-role', 'x-user-role', decisionIdHeader]

function headersOf(decision: Decision): Record<string, string> {
  const { set, remove } = injectedHeaders(decision, 'id-1')
  const values = Object.fromEntries(set)
  expect([...Object.keys(values), ...remove].sort()).toEqual([...names].sort())
  return values
}

const granted = (line: string, world: World = {}, by = policy): Record<string, string> => {
  const decision = decide(by, requestOf(line), world)
  expect(decision.reason).toBe('granted')
  return headersOf(decision)
}

const id = { [decisionIdHeader]: 'id-1' }

describe('an allowed request carries', () => {
  it('user, organization, roles and the decision on a member route', () => {
    const fact = factOf(['staff', 'viewer'], { platformRoles: ['user', 'beta'] })
    expect(granted('GET /o/org-a', { fact })).toEqual({
      ...id,
      'x-user-id': 'u1',
      'x-org-id': 'org-a',
      'x-org-role': 'staff,viewer',
      'x-user-role': 'user,beta',
    })
  })

  it.each<[string, string, World, Record<string, string>]>([
    ['no identity on a public route', 'GET /healthz', {}, {}],
    [
      'no organization on an authenticated route',
      'GET /me',
      {},
      { 'x-user-id': 'u1', 'x-user-role': 'user' },
    ],
    [
      'no organization on a route without a tenant',
      'GET /all',
      { fact: factOf(['owner'], { platformRoles: ['superadmin'] }) },
      { 'x-user-id': 'u1', 'x-user-role': 'superadmin' },
    ],
    [
      'the tenant that was asked for, and no role of another, where a platform role opened it',
      'GET /o/org-b',
      { fact: factOf(['owner'], { platformRoles: ['superadmin'] }) },
      { 'x-user-id': 'u1', 'x-org-id': 'org-b', 'x-user-role': 'superadmin' },
    ],
    [
      'no tenant where none was named and a platform role opened the route',
      'GET /team',
      { fact: factOf(['owner'], { platformRoles: ['superadmin'] }) },
      { 'x-user-id': 'u1', 'x-user-role': 'superadmin' },
    ],
    [
      'no organization role where a platform role stands for membership',
      'GET /o/org-a',
      { fact: factOf([], { rows: [], platformRoles: ['support'] }) },
      { 'x-user-id': 'u1', 'x-org-id': 'org-a', 'x-user-role': 'support' },
    ],
    [
      'no platform role where there is none',
      'GET /o/org-a',
      { fact: factOf(['viewer'], { platformRoles: [] }) },
      { 'x-user-id': 'u1', 'x-org-id': 'org-a', 'x-org-role': 'viewer' },
    ],
    [
      'the roles common to all rows of a member',
      'GET /o/org-a',
      {
        fact: factOf([], {
          rows: [
            ['staff', 'viewer', 'x'],
            ['x', 'staff'],
          ],
        }),
      },
      { 'x-user-id': 'u1', 'x-org-id': 'org-a', 'x-org-role': 'staff,x', 'x-user-role': 'user' },
    ],
    [
      'no organization role where the rows share none',
      'GET /o/org-a',
      { fact: factOf([], { rows: [['staff'], ['viewer']] }) },
      { 'x-user-id': 'u1', 'x-org-id': 'org-a', 'x-user-role': 'user' },
    ],
  ])('%s', (_title, line, world, headers) => {
    expect(granted(line, world)).toEqual({ ...id, ...headers })
  })

  it('no platform role where a claim granted in an outage', () => {
    const token = tokenOf({ orgRole: 'viewer', role: 'superadmin' })
    expect(granted('GET /o/org-a', { token, fact: 'down' }, onClaims)).toEqual({
      ...id,
      'x-user-id': 'u1',
      'x-org-id': 'org-a',
      'x-org-role': 'viewer',
    })
  })

  it.each(['/o/org-a', '/me'])('no platform role where the fact is of claims, on %s', (path) => {
    const fact = factOf(['viewer'], { source: 'claims', platformRoles: ['superadmin'] })
    expect(granted(`GET ${path}`, { fact })).not.toHaveProperty('x-user-role')
  })

  it('what Envoy asked for where the policy is open', () => {
    const request = requestOf('GET /healthz', { extensions: { access: 'authenticated' } })
    expect(headersOf(decide(policy, request))).toEqual({
      ...id,
      'x-user-id': 'u1',
      'x-user-role': 'user',
    })
  })
})

describe('roles in headers', () => {
  const orgRole = (...roles: readonly string[]): string | undefined =>
    granted('GET /o/org-a', { fact: factOf(['viewer', ...roles]) })['x-org-role']

  it.each([
    ['space as it stands', 'team lead', 'team lead'],
    ['visible ASCII as it stands', '!"%41;=<>', '!"%41;=<>'],
    ['characters beyond ASCII as UTF-8', 'chefé€😀', 'chef%C3%A9%E2%82%AC%F0%9F%98%80'],
    ['line breaks', 'a\r\nx-user-role: root', 'a%0D%0Ax-user-role: root'],
    ['a NUL', 'a\0b', 'a%00b'],
    ['a DEL', 'a\x7f', 'a%7F'],
    ['a tab within', 'a\tb', 'a%09b'],
    ['a lone surrogate', 'a\ud800', 'a%EF%BF%BD'],
  ])('keep or encode %s', (_title, role, value) => {
    expect(orgRole(role)).toBe(`viewer,${value}`)
  })

  it('are visible ASCII and space, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (roles) => {
        expect(orgRole(...roles)).toMatch(/^[ -~]*$/)
      }),
    )
  })
})

describe('the names of headers', () => {
  const renamed = policyWith(routes(), [
    'headers: { userId: X-Subject, userRole: x-platform-role }',
  ])
  it('are those of the policy', () => {
    const { set, remove } = injectedHeaders(decide(renamed, requestOf('GET /me')), 'id-1')
    expect(set.map(([name]) => name)).toEqual(['x-subject', 'x-platform-role', decisionIdHeader])
    expect(remove).toEqual(['x-org-id', 'x-org-role'])
  })
})

describe('the assertion', () => {
  const of = (assertion?: string | null) => {
    const decision = decide(policy, requestOf('GET /me'))
    const { set, remove } = injectedHeaders(decision, 'id-1', assertion)
    return [new Map(set).get('x-identity-assertion'), remove.includes('x-identity-assertion')]
  }
  it.each<[string, string | null | undefined, boolean]>([
    ['is set where there is one', 'a.b.c', false],
    ["is removed where none applies: it would be the client's", null, true],
    ['is left to the gateway where there are none at all', undefined, false],
  ])('%s', (_name, assertion, removed) => {
    expect(of(assertion)).toEqual([assertion ?? undefined, removed])
  })
})

describe('a refusal that passes in shadow mode carries', () => {
  const refused = (line: string, world: World, parts?: RequestParts): Record<string, string> => {
    const decision = decide(shadow, requestOf(line, parts), world)
    expect(decision.passes && decision.reason !== 'granted').toBe(true)
    return headersOf(decision)
  }
  const user = { 'x-user-id': 'u1' }

  it.each<[string, string, World, Record<string, string>, RequestParts?]>([
    ['nothing without a token', 'GET /o/org-a', {}, {}, { headers: {} }],
    [
      'nothing with a malformed token',
      'GET /o/org-a',
      {},
      {},
      { headers: { authorization: 'Basic x' } },
    ],
    ['nothing with a forged token', 'GET /o/org-a', { token: { why: 'x' } }, {}],
    ['nothing with an expired token', 'GET /o/org-a', { token: tokenOf({ exp: nowS }) }, {}],
    ['the user alone in another tenant', 'GET /o/org-b', {}, user],
    ['the user alone where no source answered', 'GET /o/org-a', { fact: 'down' }, user],
    [
      'no role of who is banned',
      'GET /o/org-a',
      { fact: factOf(['owner'], { banned: true }) },
      user,
    ],
    [
      'no role of who is unknown',
      'GET /o/org-a',
      { fact: factOf([], { user: false, rows: [] }) },
      user,
    ],
    [
      'platform roles, but no organization, of who is no member',
      'GET /o/org-a',
      { fact: factOf([], { rows: [] }) },
      { ...user, 'x-user-role': 'user' },
    ],
    [
      'what is known of a member who lacks the permission',
      'GET /o/org-a',
      { fact: factOf(['x']) },
      { ...user, 'x-org-id': 'org-a', 'x-org-role': 'x', 'x-user-role': 'user' },
    ],
  ])('%s', (_title, line, world, headers, parts) => {
    expect(refused(line, world, parts)).toEqual({ ...id, ...headers })
  })
})

it('set and remove are disjoint and cover all five names, whatever was decided', () => {
  const fact = fc.record({
    user: fc.boolean(),
    banned: fc.boolean(),
    rows: fc.array(fc.array(fc.constantFrom('viewer', 'staff', 'é', 'x'))),
    platformRoles: fc.array(fc.constantFrom('superadmin', 'support', 'user')),
    source: fc.constantFrom('claims', 'memory', 'redis', 'postgres'),
  })
  const world = fc.record({
    policy: fc.constantFrom(policy, shadow, onClaims),
    path: fc.constantFrom('/o/org-a', '/o/org-b', '/all', '/team', '/me', '/healthz', '/x', '//'),
    token: fc.constantFrom(tokenOf(), tokenOf({ organizationId: null, orgRole: 'viewer' }), {
      why: 'x',
    }),
    fact: fc.oneof(
      fact.map((parts) => factOf([], parts)),
      fc.constant('down' as const),
    ),
    headers: fc.constantFrom(
      {},
      { authorization: 'Bearer a.b.c' },
      { authorization: 'Bearer a.b.c', 'x-team': 'org-a' },
    ),
    extensions: fc.constantFrom(
      {},
      { permission: 'leave:read' },
      { access: 'authenticated' },
      { access: '' },
    ),
  })
  const seen = new Set<string>()
  fc.assert(
    fc.property(world, ({ policy, path, token, fact, headers, extensions }) => {
      const decision = decide(policy, requestOf(`GET ${path}`, { headers, extensions }), {
        token,
        fact,
      })
      seen.add(decision.reason)
      const values = headersOf(decision)
      expect(values[decisionIdHeader]).toBe('id-1')
      for (const value of Object.values(values)) expect(value).not.toBe('')
    }),
    { numRuns: 3000 },
  )
  expect(seen.size).toBeGreaterThanOrEqual(10)
})
