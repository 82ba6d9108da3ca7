import { describe, expect, it } from 'vitest'
import type { Reason } from '../../src/domain/decision.ts'
import { decide, factOf, policyWith, requestOf, tokenOf } from '../support/builders.ts'
import type { RequestParts, World } from '../support/builders.ts'

const routes = [
  '{ name: path, match: "GET /o/{organizationId}", permission: leave:read }',
  '{ name: text, match: "GET /t/{organizationId:text}", permission: leave:read }',
  '{ name: header, match: GET /header, permission: leave:read, tenant: { header: X-Team } }',
  '{ name: claim, match: GET /claim, permission: leave:read, tenant: { claim: true } }',
  '{ name: none, match: GET /none, permission: leave:read, tenant: none }',
  '{ name: manage, match: "GET /m/{organizationId}", permission: leave:approve }',
  '{ name: me, match: GET /me, access: authenticated }',
]
const policy = policyWith(routes)
const authorization = 'Bearer a.b.c'

const reasonOf = (line: string, world: World = {}, parts?: RequestParts): Reason =>
  decide(policy, requestOf(line, parts), world).reason
const withTeam = (team: string): RequestParts => ({ headers: { authorization, 'x-team': team } })

const member = factOf(['viewer'])
const root = factOf([], { rows: [], platformRoles: ['superadmin'] })
const noOrganization = tokenOf({ organizationId: undefined })

describe('step 7 passes', () => {
  it.each<[string, string, World, RequestParts?]>([
    ['where path and claim name the same tenant', 'GET /o/org-a', {}],
    ['where the path alone names one', 'GET /o/org-a', { token: noOrganization }],
    ['where a decoded text names it', 'GET /t/org%2Da', {}],
    ['where header and claim name the same tenant', 'GET /header', {}, withTeam('org-a')],
    [
      'where the header alone names one',
      'GET /header',
      { token: noOrganization },
      withTeam('org-a'),
    ],
    ['where the claim is the tenant', 'GET /claim', {}],
  ])('%s', (_title, line, world, parts) => {
    expect(reasonOf(line, { fact: member, ...world }, parts)).toBe('granted')
  })
})

describe('step 7 refuses as tenant_mismatch', () => {
  it.each<[string, string, World, RequestParts?]>([
    [
      'a tenant header with a space that no HTTP parser strips',
      'GET /header',
      {},
      withTeam('org-a\u00a0'),
    ],
    ['another tenant in the path', 'GET /o/org-b', {}],
    ['a tenant in another case', 'GET /o/ORG-A', {}],
    ['a tenant that begins alike', 'GET /o/org-a1', {}],
    ['another tenant in a text', 'GET /t/org%2Db', {}],
    ['a text that is no id', 'GET /t/org%20a', { token: noOrganization }],
    ['a text with a comma', 'GET /t/org-a,org-b', { token: noOrganization }],
    ['another tenant in the header', 'GET /header', {}, withTeam('org-b')],
    ['no header', 'GET /header', {}],
    ['an empty header', 'GET /header', {}, withTeam('')],
    ['a header of space', 'GET /header', {}, withTeam('  ')],
    ['a header that is no id', 'GET /header', {}, withTeam('org a')],
    ['no header without a claim', 'GET /header', { token: noOrganization }],
    [
      'a header that is no id, without a claim',
      'GET /header',
      { token: noOrganization },
      withTeam('orgä'),
    ],
    ['a missing claim', 'GET /claim', { token: noOrganization }],
    ['a claim that is null', 'GET /claim', { token: tokenOf({ organizationId: null }) }],
  ])('%s', (_title, line, world, parts) => {
    expect(reasonOf(line, { fact: factOf(['owner']), ...world }, parts)).toBe('tenant_mismatch')
  })

  it('whatever the other tenant would grant', () => {
    // The fact of the pair (user, requested tenant) would grant; it must never be asked for.
    const { reason, evaluation } = decide(policy, requestOf('GET /o/org-b'), {
      fact: factOf(['owner']),
    })
    expect(reason).toBe('tenant_mismatch')
    expect(evaluation.tenancy?.pair).toEqual({ user: 'u1', organization: 'org-a' })
  })
})

describe('a platform role on a mismatch', () => {
  it.each<[string, string, World, RequestParts?]>([
    ['opens another tenant', 'GET /o/org-b', {}],
    ['opens a request that names none in its header', 'GET /header', {}],
    ['opens another tenant in the header', 'GET /header', {}, withTeam('org-b')],
    ['opens a route whose claim is missing', 'GET /claim', { token: noOrganization }],
    [
      'opens by a permission of its own',
      'GET /o/org-b',
      { fact: factOf([], { platformRoles: ['support'] }) },
    ],
    [
      'opens by the union of several',
      'GET /m/org-b',
      { fact: factOf([], { platformRoles: ['support', 'superadmin'] }) },
    ],
  ])('%s', (_title, line, world, parts) => {
    expect(reasonOf(line, { fact: root, ...world }, parts)).toBe('granted')
  })

  it.each<[string, string, World, Reason]>([
    [
      'stands where it does not hold the permission',
      'GET /m/org-b',
      { fact: factOf(['owner'], { platformRoles: ['support'] }) },
      'tenant_mismatch',
    ],
    [
      'stands where the policy does not know it',
      'GET /o/org-b',
      { fact: factOf(['owner'], { platformRoles: ['admin', 'owner'] }) },
      'tenant_mismatch',
    ],
    ['stands where it cannot be read', 'GET /o/org-b', { fact: 'down' }, 'tenant_mismatch'],
    [
      'stands where a claim alone has it',
      'GET /o/org-b',
      { token: tokenOf({ role: 'superadmin' }) },
      'tenant_mismatch',
    ],
    [
      'stands where the user does not exist',
      'GET /o/org-b',
      { fact: { ...root, user: false, platformRoles: [] } },
      'tenant_mismatch',
    ],
    ['does not lift a ban', 'GET /o/org-b', { fact: { ...root, banned: true } }, 'banned'],
  ])('%s', (_title, line, world, reason) => {
    expect(reasonOf(line, world)).toBe(reason)
  })

  it('is read with the pair of the token itself, whatever tenant is asked for', () => {
    for (const tenant of ['org-b', 'org-c']) {
      const { evaluation } = decide(policy, requestOf(`GET /o/${tenant}`), { fact: root })
      expect(evaluation.tenancy).toEqual({
        tenant,
        mismatch: true,
        pair: { user: 'u1', organization: 'org-a' },
      })
    }
  })

  it('does not carry organization roles of the own tenant over', () => {
    const both = policyWith([
      '{ name: both, match: "GET /o/{organizationId}", permission: [leave:read, leave:approve] }',
    ])
    const fact = factOf(['approver'], { platformRoles: ['support'] })
    expect(decide(both, requestOf('GET /o/org-a'), { fact }).reason).toBe('granted')
    expect(decide(both, requestOf('GET /o/org-b'), { fact }).reason).toBe('tenant_mismatch')
  })
})

describe('a route without a tenant', () => {
  it.each<[string, World, Reason]>([
    ['opens to a platform role', { fact: root }, 'granted'],
    [
      'opens to a platform role without an organization',
      { token: noOrganization, fact: root },
      'granted',
    ],
    ['refuses every organization role', { fact: factOf(['owner']) }, 'permission_denied'],
    [
      'refuses a platform role without the permission',
      { fact: factOf(['owner'], { platformRoles: ['user'] }) },
      'permission_denied',
    ],
    ['refuses who is no member', { fact: factOf([], { rows: [] }) }, 'permission_denied'],
    ['refuses a banned superadmin', { fact: { ...root, banned: true } }, 'banned'],
    ['refuses an unknown user', { fact: { ...root, user: false } }, 'unknown_user'],
    [
      'does not rest on claims',
      { token: tokenOf({ role: 'superadmin', orgRole: 'owner' }), fact: 'down' },
      'unavailable',
    ],
  ])('%s', (_title, world, reason) => {
    expect(reasonOf('GET /none', world)).toBe(reason)
  })

  it('holds no dynamic role', () => {
    const dynamic = policyWith(routes, ['dynamicRoles: true'])
    const fact = factOf(['lead'], { dynamic: new Map([['lead', ['leave:read']]]) })
    expect(decide(dynamic, requestOf('GET /o/org-a'), { fact }).reason).toBe('granted')
    expect(decide(dynamic, requestOf('GET /none'), { fact }).reason).toBe('permission_denied')
  })
})

it('an authenticated route asks for no tenant', () => {
  expect(reasonOf('GET /me', { fact: factOf([], { rows: [] }) })).toBe('granted')
  expect(reasonOf('GET /me', { token: noOrganization, fact: factOf([], { rows: [] }) })).toBe(
    'granted',
  )
})
