import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Reason } from '../../src/domain/decision.ts'
import type { Fact } from '../../src/domain/fact.ts'
import { decide, factOf, policyFrom, policyWith, requestOf } from '../support/builders.ts'

const routes = [
  '{ name: read, match: "GET /o/{organizationId}", permission: leave:read }',
  '{ name: both, match: "PUT /o/{organizationId}", permission: [leave:read, leave:approve] }',
  '{ name: any, match: "POST /o/{organizationId}", anyPermission: [leave:approve, pay:read] }',
  '{ name: me, match: GET /me, access: authenticated }',
]
const policy = policyWith(routes)
const dynamicPolicy = policyWith(routes, ['dynamicRoles: true'])

const judged = (line: string, fact: Fact, by = policy): Reason =>
  decide(by, requestOf(line), { fact }).reason
const rows = (...lists: readonly string[][]): Fact => factOf([], { rows: lists })

describe('step 8', () => {
  it.each([
    [
      'an unknown user',
      'GET /o/org-a',
      { user: false, rows: [], platformRoles: [] },
      'unknown_user',
    ],
    [
      'an unknown user on an authenticated route',
      'GET /me',
      { user: false, rows: [] },
      'unknown_user',
    ],
    ['an unknown user, banned or not', 'GET /me', { user: false, banned: true }, 'unknown_user'],
    ['a banned member', 'GET /o/org-a', { banned: true }, 'banned'],
    ['a banned user on an authenticated route', 'GET /me', { banned: true }, 'banned'],
    ['a banned user who is no member', 'GET /o/org-a', { banned: true, rows: [] }, 'banned'],
    [
      'a banned superadmin',
      'GET /o/org-a',
      { banned: true, platformRoles: ['superadmin'] },
      'banned',
    ],
  ])('refuses %s', (_title, line, parts, reason) => {
    expect(judged(line, factOf(['owner'], parts))).toBe(reason)
  })
})

describe('step 9', () => {
  it.each<[string, string, Partial<Fact>, Reason]>([
    ['refuses who is no member', 'GET /o/org-a', {}, 'not_a_member'],
    [
      'refuses who holds a platform role that does not open the route',
      'PUT /o/org-a',
      { platformRoles: ['support'] },
      'not_a_member',
    ],
    [
      'refuses who holds a platform role that the policy does not know',
      'GET /o/org-a',
      { platformRoles: ['owner'] },
      'not_a_member',
    ],
    [
      'refuses whom a dynamic role would grant',
      'GET /o/org-a',
      { dynamic: new Map([['', ['leave:read']]]) },
      'not_a_member',
    ],
    [
      'lets pass whom a platform role opens the route to',
      'GET /o/org-a',
      { platformRoles: ['support'] },
      'granted',
    ],
    [
      'lets pass whom one of several does',
      'GET /o/org-a',
      { platformRoles: ['x', 'support'] },
      'granted',
    ],
    ['asks nobody on an authenticated route', 'GET /me', {}, 'granted'],
  ])('%s', (_title, line, parts, reason) => {
    expect(judged(line, factOf([], { rows: [], ...parts }), dynamicPolicy)).toBe(reason)
  })
})

describe('step 10', () => {
  it.each<[string, string, Fact, Reason]>([
    ['grants by a role that holds it', 'GET /o/org-a', rows(['viewer']), 'granted'],
    ['grants by a wildcard', 'PUT /o/org-a', rows(['owner']), 'granted'],
    ['grants by several roles together', 'PUT /o/org-a', rows(['viewer', 'approver']), 'granted'],
    [
      'grants by role and platform role together',
      'PUT /o/org-a',
      factOf(['approver'], { platformRoles: ['support'] }),
      'granted',
    ],
    ['grants one of several permissions', 'POST /o/org-a', rows(['approver']), 'granted'],
    ['refuses what no role holds', 'PUT /o/org-a', rows(['viewer']), 'permission_denied'],
    ['refuses none of several permissions', 'POST /o/org-a', rows(['viewer']), 'permission_denied'],
    ['refuses an unknown role', 'GET /o/org-a', rows(['chief']), 'permission_denied'],
    ['refuses a role in another case', 'GET /o/org-a', rows(['Owner']), 'permission_denied'],
    ['refuses a member without a role', 'GET /o/org-a', rows([]), 'permission_denied'],
    [
      'refuses a role that objects have',
      'GET /o/org-a',
      rows(['constructor', '__proto__', 'toString']),
      'permission_denied',
    ],
    [
      'refuses a platform role as an organization role',
      'GET /o/org-a',
      rows(['superadmin']),
      'permission_denied',
    ],
    [
      'refuses an organization role as a platform role',
      'PUT /o/org-a',
      factOf(['viewer'], { platformRoles: ['owner'] }),
      'permission_denied',
    ],
    [
      'refuses two roles in one text',
      'PUT /o/org-a',
      rows(['viewer,approver']),
      'permission_denied',
    ],
  ])('%s', (_title, line, fact, reason) => {
    expect(judged(line, fact)).toBe(reason)
  })
})

describe('several members rows', () => {
  it.each<[string, string, Fact, Reason]>([
    ['grant what each grants', 'GET /o/org-a', rows(['viewer'], ['staff']), 'granted'],
    [
      'grant what each grants by another role',
      'GET /o/org-a',
      rows(['viewer'], ['owner'], ['staff', 'x']),
      'granted',
    ],
    [
      'refuse what one does not grant',
      'GET /o/org-a',
      rows(['owner'], ['approver']),
      'permission_denied',
    ],
    ['refuse where one has no role', 'GET /o/org-a', rows(['owner'], []), 'permission_denied'],
    [
      'refuse what they grant only together',
      'PUT /o/org-a',
      rows(['viewer'], ['approver']),
      'permission_denied',
    ],
    [
      'grant by a platform role all the same',
      'PUT /o/org-a',
      factOf([], { rows: [['owner'], []], platformRoles: ['superadmin'] }),
      'granted',
    ],
  ])('%s', (_title, line, fact, reason) => {
    expect(judged(line, fact)).toBe(reason)
  })

  it('refuse one of several permissions where each row grants another', () => {
    const fact = factOf([], { rows: [['approver'], ['payer']] })
    const mixed = policyFrom(`
version: 1
roles: { approver: [leave:approve], payer: [pay:read] }
routes: [{ name: any, match: 'POST /o/{organizationId}', anyPermission: [leave:approve, pay:read] }]`)
    expect(judged('POST /o/org-a', fact, mixed)).toBe('permission_denied')
  })
})

describe('dynamic roles', () => {
  const lead = (...permissions: string[]): Partial<Fact> => ({
    dynamic: new Map([['lead', permissions]]),
  })
  it.each<[string, Fact, Reason]>([
    ['grant their permissions', factOf(['lead'], lead('leave:read')), 'granted'],
    ['grant to their holders alone', factOf(['other'], lead('leave:read')), 'permission_denied'],
    ['grant no others', factOf(['lead'], lead('leave:approve')), 'permission_denied'],
    ['hold no wildcard', factOf(['lead'], lead('*', 'leave:*')), 'permission_denied'],
    [
      'are no platform roles',
      factOf([], { ...lead('leave:read'), platformRoles: ['lead'] }),
      'permission_denied',
    ],
    [
      'must grant in each row',
      factOf([], { ...lead('leave:read'), rows: [['lead'], ['x']] }),
      'permission_denied',
    ],
  ])('%s', (_title, fact, reason) => {
    expect(judged('GET /o/org-a', fact, dynamicPolicy)).toBe(reason)
  })

  it('add to a static role of the same name', () => {
    const fact = factOf(['viewer'], { dynamic: new Map([['viewer', ['leave:approve']]]) })
    expect(judged('PUT /o/org-a', fact, dynamicPolicy)).toBe('granted')
    expect(judged('GET /o/org-a', fact, dynamicPolicy)).toBe('granted')
  })

  it('grant nothing where the policy does not take them', () => {
    expect(judged('GET /o/org-a', factOf(['lead'], lead('leave:read')))).toBe('permission_denied')
  })
})

describe('roles named as what objects have', () => {
  const odd = policyFrom(`
version: 1
roles: { __proto__: [leave:read], constructor: ['*'] }
platformRoles: { toString: [leave:read] }
routes: [{ name: read, match: 'GET /o/{organizationId}', permission: leave:read }]`)

  it.each<[string, Fact, Reason]>([
    ['grant what they hold', rows(['__proto__']), 'granted'],
    ['grant by their wildcard', rows(['constructor']), 'granted'],
    ['grant as platform roles', factOf([], { rows: [], platformRoles: ['toString'] }), 'granted'],
    [
      'grant nothing where they are not defined',
      rows(['hasOwnProperty', 'toString']),
      'permission_denied',
    ],
  ])('%s', (_title, fact, reason) => {
    expect(judged('GET /o/org-a', fact, odd)).toBe(reason)
  })
})

describe('whatever the roles', () => {
  const organizationRole = fc.constantFrom('owner', 'staff', 'viewer', 'approver', 'lead', 'x')
  const platformRole = fc.constantFrom('superadmin', 'support', 'user', 'owner')
  const grants: Readonly<Record<string, readonly string[]>> = {
    owner: ['leave:read', 'leave:approve', 'pay:read'],
    staff: ['leave:read', 'leave:approve'],
    viewer: ['leave:read'],
    approver: ['leave:approve'],
    lead: ['pay:read'],
  }
  const platformGrants: Readonly<Record<string, readonly string[]>> = {
    superadmin: ['leave:read', 'leave:approve', 'pay:read'],
    support: ['leave:read'],
  }

  it('a permission is held by a platform role or by some role of every row', () => {
    const world = fc.record({
      rows: fc.array(fc.array(organizationRole, { maxLength: 3 }), { maxLength: 3 }),
      platformRoles: fc.array(platformRole, { maxLength: 2 }),
      line: fc.constantFrom('GET', 'PUT', 'POST'),
    })
    fc.assert(
      fc.property(world, ({ rows, platformRoles, line }) => {
        const byPlatform = (p: string): boolean =>
          platformRoles.some((role) => platformGrants[role]?.includes(p) === true)
        const holds = (p: string): boolean =>
          byPlatform(p) ||
          (rows.length > 0 &&
            rows.every((row) => row.some((role) => grants[role]?.includes(p) === true)))
        const open = (has: (p: string) => boolean): boolean =>
          line === 'GET'
            ? has('leave:read')
            : line === 'PUT'
              ? has('leave:read') && has('leave:approve')
              : has('leave:approve') || has('pay:read')
        const dynamic = new Map([['lead', ['pay:read']]])
        const reason = judged(
          `${line} /o/org-a`,
          factOf([], { rows, platformRoles, dynamic }),
          dynamicPolicy,
        )
        const refusal = rows.length === 0 ? 'not_a_member' : 'permission_denied'
        expect(reason).toBe(open(holds) ? 'granted' : refusal)
      }),
      { numRuns: 2000 },
    )
  })
})
