import { describe, expect, it } from 'vitest'
import type { Policy } from '../../src/domain/policy.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import { recordedCase } from '../../src/domain/recorded.ts'
import { isKept, replayAgainst, replayRecorded } from '../../src/domain/replay.ts'
import {
  decide,
  factOf,
  policyFrom,
  policyWith,
  requestOf,
  tokenOf,
  type RequestParts,
  type World,
} from '../support/builders.ts'
import { logged } from '../support/recorded-worlds.ts'

const line = 'GET /o/org-a'
const route = (parts: string, match = 'GET /o/{organizationId}'): string =>
  `{ name: r, match: "${match}", ${parts} }`
const reads = policyWith([route('permission: leave:read')])
const open = policyWith([route('access: public')])
const tokenOnly = policyWith([route('access: authenticated')])
const approves = policyWith([route('permission: leave:approve')])
const dynamic = policyWith([route('permission: leave:cancel')], ['dynamicRoles: true'])
const cancels = policyWith([route('permission: leave:cancel')])
const byHeader = policyWith([route('permission: leave:read, tenant: { header: x-tenant }')])
const byClaim = policyWith([route('permission: leave:read, tenant: { claim: true }')])
const byPath = policyWith([route('permission: leave:read')])
const withoutPlatformRoles = policyFrom(`
version: 1
roles: { staff: [leave:read] }
routes: [{ name: r, match: "GET /o/{organizationId}", permission: leave:read }]
`)

function against(
  policy: Policy,
  candidate: Policy,
  world: World & { readonly line?: string; readonly parts?: RequestParts } = {},
): string {
  const record = logged(decide(policy, requestOf(world.line ?? line, world.parts), world))
  const replayed = replayAgainst(recordedCase(record), replayRecorded(record, policy), candidate)
  return 'decision' in replayed
    ? replayed.decision.reason
    : `undetermined: ${replayed.undetermined}`
}

describe('what a record does not hold is undetermined', () => {
  const claims = factOf(['viewer'], { source: 'claims', platformRoles: [] })
  it.each<[string, string, () => string]>([
    [
      'a public route becomes one for members',
      'undetermined: the credential was never looked at',
      () => against(open, reads),
    ],
    [
      'a route that did not exist is added',
      'undetermined: the credential was never looked at',
      () =>
        against(reads, policyWith([route('access: authenticated', 'GET /new')]), {
          line: 'GET /new',
        }),
    ],
    [
      'a tenant mismatch that no fact was asked for, where a platform role now opens the route',
      'undetermined: the fact was never read',
      () => against(withoutPlatformRoles, reads, { token: tokenOf({ organizationId: 'org-b' }) }),
    ],
    [
      'a tenant mismatch that stood because no source answered',
      'undetermined: the fact was never read',
      () => against(reads, approves, { token: tokenOf({ organizationId: 'org-b' }), fact: 'down' }),
    ],
    [
      'the tenant is another one',
      'undetermined: the fact is of another organization',
      () =>
        against(byClaim, byPath, {
          line: 'GET /o/org-b',
          token: tokenOf({ organizationId: null }),
        }),
    ],
    [
      'a candidate reads dynamic roles that were not read',
      'undetermined: dynamic roles were not read',
      () => against(reads, dynamic),
    ],
    [
      'a claim granted, and the platform role that its token states would',
      'undetermined: a claim says nothing of platform roles',
      () => against(reads, approves, { fact: claims, token: tokenOf({ role: 'superadmin' }) }),
    ],
    [
      'a candidate reads the tenant from a header that was not recorded',
      'undetermined: the header that names the tenant was not recorded',
      () => against(reads, byHeader),
    ],
  ])('%s', (_title, expected, replay) => expect(replay()).toBe(expected))
})

/** Of a route in shadow mode with a rule of Envoy's beside it, which is enforced and of another tenant. */
const twoTenants = (dynamicRoles: boolean): Policy =>
  policyWith(
    [
      '{ name: r, match: "GET /x/{a}/{organizationId}", permission: leave:read, mode: shadow }',
      '{ name: s, match: GET /s, access: public }',
    ],
    [`dynamicRoles: ${dynamicRoles}`],
  )
it('what could change nothing but whether the request passes is undetermined too', () => {
  const world = {
    line: 'GET /x/org-a/org-b',
    parts: {
      headers: { authorization: 'Bearer a.b.c' },
      extensions: { permission: 'leave:approve', path: '/x/{organizationId}/{b}' },
    },
    fact: factOf(['lead']),
  }
  expect(against(twoTenants(false), twoTenants(false), world)).toBe('tenant_mismatch')
  expect(against(twoTenants(false), twoTenants(true), world)).toBe(
    'undetermined: dynamic roles were not read',
  )
})

describe('what a record does hold is decided', () => {
  const claims = factOf(['viewer'], { source: 'claims', platformRoles: [] })
  it.each<[string, string, () => string]>([
    ['a role loses its permission', 'permission_denied', () => against(reads, cancels)],
    [
      'a route is gone',
      'no_route',
      () => against(reads, policyWith([route('access: public', 'GET /x')])),
    ],
    [
      'a route becomes public',
      'granted',
      () => against(reads, open, { fact: factOf([], { rows: [] }) }),
    ],
    [
      'a refused credential stays refused',
      'expired_token',
      () => against(reads, tokenOnly, { token: tokenOf({ exp: 1 }) }),
    ],
    [
      'a ban holds in every organization',
      'banned',
      () =>
        against(byClaim, byPath, {
          line: 'GET /o/org-b',
          token: tokenOf({ organizationId: null }),
          fact: factOf(['viewer'], { banned: true }),
        }),
    ],
    [
      'a claim that grants elsewhere too',
      'granted',
      () =>
        against(reads, policyWith([route('anyPermission: [leave:read, leave:approve]')]), {
          fact: claims,
        }),
    ],
    [
      'a claim without platform roles in its token',
      'permission_denied',
      () => against(reads, approves, { fact: claims }),
    ],
    [
      'dynamic roles that were read and are heeded no more',
      'permission_denied',
      () =>
        against(dynamic, cancels, {
          fact: factOf(['lead'], { dynamic: new Map([['lead', ['leave:cancel']]]) }),
        }),
    ],
    [
      'dynamic roles that could not matter',
      'not_a_member',
      () => against(reads, dynamic, { fact: factOf([], { rows: [] }) }),
    ],
    [
      'a header that was recorded',
      'granted',
      () =>
        against(byHeader, byHeader, {
          parts: { headers: { authorization: 'Bearer a.b.c', 'x-tenant': 'org-a' } },
        }),
    ],
    [
      'a header that was recorded as absent',
      'tenant_mismatch',
      () =>
        against(
          byHeader,
          policyWith([route('permission: leave:approve, tenant: { header: x-tenant }')]),
          { fact: factOf(['viewer']) },
        ),
    ],
  ])('%s', (_title, expected, replay) => expect(replay()).toBe(expected))
})

describe('a record under its own policy', () => {
  const record = logged(decide(reads, requestOf(line), { fact: factOf(['viewer']) }))
  const changed = (parts: Partial<DecisionRecord>): string =>
    replayRecorded({ ...record, ...parts }, reads).reason

  const withRows = (rows: readonly (readonly string[])[]): DecisionRecord['fact'] =>
    record.fact && { ...record.fact, rows }

  it('comes out the same', () => expect(changed({})).toBe('granted'))
  it.each<[string, Partial<DecisionRecord>, string]>([
    ['other roles', { fact: withRows([['x']]) }, 'permission_denied'],
    ['another path', { path: '/nowhere' }, 'no_route'],
    ['another tenant', { path: '/o/org-b' }, 'tenant_mismatch'],
    ['no token', { token: null, user_id: null }, 'unavailable'],
    ['no fact', { fact: null }, 'unavailable'],
  ])('with %s comes out otherwise', (_title, parts, reason) => expect(changed(parts)).toBe(reason))

  it.each(['bad_request', 'unavailable'] as const)('of %s is kept', (reason) => {
    expect(isKept({ ...record, reason })).toBe(true)
    expect(isKept(record)).toBe(false)
  })
})
