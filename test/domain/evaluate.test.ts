import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Reason } from '../../src/domain/decision.ts'
import type { Step } from '../../src/domain/evaluation.ts'
import { decide, factOf, nowS, policyWith, requestOf, tokenOf } from '../support/builders.ts'
import type { RequestParts, World } from '../support/builders.ts'

const routes = (extra: string): readonly string[] => [
  `{ name: leave, match: "GET /o/{organizationId}", permission: leave:read${extra} }`,
  `{ name: manage, match: "PUT /o/{organizationId}", permission: leave:approve${extra} }`,
  `{ name: all, match: GET /all, permission: leave:read, tenant: none${extra} }`,
]
const policy = policyWith(routes(''))
const shadow = policyWith(routes(', mode: shadow'))
const onClaims = policyWith(routes(', whenUnavailable: claims'))

/** What can be wrong with a request, in the order of the steps, and what each step answers. */
const wrongs = [
  'bad_request',
  'ambiguous_path',
  'no_route',
  'missing_credential',
  'malformed_credential',
  'invalid_token',
  'expired_token',
  'tenant_mismatch',
  'unknown_user',
  'banned',
  'not_a_member',
  'permission_denied',
] as const
type Wrong = (typeof wrongs)[number]

/** A request of a member, wrong in all of these ways. */
function wrongly(set: ReadonlySet<Wrong>, by = policy): ReturnType<typeof decide> {
  const when = <T>(wrong: Wrong, bad: T, good: T): T => (set.has(wrong) ? bad : good)
  const path = `/o/${when('tenant_mismatch', 'org-b', 'org-a')}${when('ambiguous_path', ';x', '')}`
  const authorization = when('malformed_credential', 'Bearer a.b.c,Bearer a.b.c', 'Bearer a.b.c')
  const request = requestOf(`${when('no_route', 'DELETE', 'GET')} ${path}`, {
    host: when('bad_request', 'a,b', 'a'),
    headers: when('missing_credential', {}, { authorization }),
  })
  const token = tokenOf({ exp: when('expired_token', nowS - 60, nowS + 60) })
  return decide(by, request, {
    token: when<World['token'] & object>('invalid_token', { why: 'forged' }, token),
    fact: factOf(when('permission_denied', ['x'], ['viewer']), {
      user: !set.has('unknown_user'),
      banned: set.has('banned'),
      ...(set.has('not_a_member') && { rows: [] }),
    }),
  })
}

describe('the first step that refuses decides', () => {
  it.each(wrongs)('%s alone', (wrong) => {
    expect(wrongly(new Set([wrong])).reason).toBe(wrong)
  })

  it.each(wrongs.map((wrong, index) => [wrong, index] as const))(
    '%s, whatever is wrong after it',
    (wrong, index) => {
      expect(wrongly(new Set(wrongs.slice(index))).reason).toBe(wrong)
    },
  )

  it('of any that are wrong', () => {
    fc.assert(
      fc.property(fc.subarray([...wrongs]), (some) => {
        const { reason, passes } = wrongly(new Set(some))
        expect(reason).toBe(some[0] ?? 'granted')
        expect(passes).toBe(some.length === 0)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('a token is refused by step 6', () => {
  it.each<[string, World, Reason]>([
    [
      'where its verifier says so',
      { token: { why: 'the signature does not hold' } },
      'invalid_token',
    ],
    ['where it has expired', { token: tokenOf({ exp: nowS }) }, 'expired_token'],
    ['where its issuer is another', { rules: { issuers: ['x'], audiences: [] } }, 'invalid_token'],
    [
      'where its audience is another',
      { rules: { issuers: [], audiences: ['x'] } },
      'invalid_token',
    ],
    ['where it is no access token', { token: tokenOf({}, { typ: 'session' }) }, 'invalid_token'],
    ['where its organization is no id', { token: tokenOf({ organizationId: 1 }) }, 'invalid_token'],
  ])('%s', (_title, world, reason) => {
    expect(decide(policy, requestOf('GET /o/org-a'), world).reason).toBe(reason)
  })
})

describe('where no source of facts answers', () => {
  const claims = tokenOf({ orgRole: 'viewer' })
  const down = { token: claims, fact: 'down' } as const
  const reasonOf = (line: string, world: World, by = onClaims): Reason =>
    decide(by, requestOf(line), world).reason

  it.each<[string, string, World]>([
    ["a token's own role grants", 'GET /o/org-a', down],
    [
      "one of a token's roles grants",
      'PUT /o/org-a',
      { fact: 'down', token: tokenOf({ orgRole: ['viewer', 'approver'] }) },
    ],
  ])('%s with whenUnavailable: claims', (_title, line, world) => {
    const { reason, evaluation } = decide(onClaims, requestOf(line), world)
    expect(reason).toBe('granted')
    expect(evaluation.fact?.source).toBe('claims')
  })

  it.each<[string, string, World, Reason]>([
    ['a role that does not hold the permission', 'PUT /o/org-a', down, 'unavailable'],
    ['a token without a role', 'GET /o/org-a', { fact: 'down' }, 'unavailable'],
    ['deny-only', 'GET /o/org-a', { ...down, claimsMayGrant: false }, 'unavailable'],
    [
      'a token without an organization',
      'GET /o/org-a',
      { fact: 'down', token: tokenOf({ organizationId: undefined, orgRole: 'owner' }) },
      'unavailable',
    ],
    [
      'a token without iat, whose age nobody knows',
      'GET /o/org-a',
      { fact: 'down', token: tokenOf({ iat: undefined, orgRole: 'owner' }) },
      'unavailable',
    ],
    [
      'a platform role in the token',
      'PUT /o/org-a',
      { fact: 'down', token: tokenOf({ orgRole: 'viewer', role: 'superadmin' }) },
      'unavailable',
    ],
    [
      'a platform role as the organization role',
      'GET /o/org-a',
      { fact: 'down', token: tokenOf({ orgRole: 'superadmin' }) },
      'unavailable',
    ],
    [
      'another tenant',
      'GET /o/org-b',
      { fact: 'down', token: tokenOf({ orgRole: 'owner' }) },
      'tenant_mismatch',
    ],
    [
      'a route without a tenant',
      'GET /all',
      { fact: 'down', token: tokenOf({ orgRole: 'owner' }) },
      'unavailable',
    ],
  ])('%s does not grant', (_title, line, world, reason) => {
    const { reason: found, evaluation } = decide(onClaims, requestOf(line), world)
    expect(found).toBe(reason)
    expect(evaluation.fact).toBeNull()
  })

  it('no claim grants with whenUnavailable: deny, which is the default', () => {
    expect(reasonOf('GET /o/org-a', down, policy)).toBe('unavailable')
  })

  it('a fact that refuses is not overruled by claims', () => {
    const world = { token: tokenOf({ orgRole: 'owner' }), fact: factOf(['x']) }
    expect(reasonOf('GET /o/org-a', world)).toBe('permission_denied')
  })

  it("Envoy's rule must be met by the claims too", () => {
    const request = (permission: string): ReturnType<typeof requestOf> =>
      requestOf('GET /o/org-a', { extensions: { permission } })
    expect(decide(onClaims, request('leave:read'), down).reason).toBe('granted')
    expect(decide(onClaims, request('leave:approve'), down).reason).toBe('unavailable')
  })

  it("Envoy's rule alone never rests on claims", () => {
    const request = requestOf('GET /x', { extensions: { permission: 'leave:read' } })
    expect(decide(onClaims, request, down).reason).toBe('unavailable')
  })
})

describe('mode: shadow', () => {
  const neverPasses: readonly string[] = ['bad_request', 'ambiguous_path', 'no_route']

  it.each(wrongs)('is decided as enforced on %s', (wrong) => {
    const { reason, passes } = wrongly(new Set([wrong]), shadow)
    expect(reason).toBe(wrong)
    expect(passes).toBe(!neverPasses.includes(wrong))
  })

  it('lets unavailable pass', () => {
    const decision = decide(shadow, requestOf('GET /o/org-a'), { fact: 'down' })
    expect(decision).toMatchObject({ reason: 'unavailable', passes: true })
  })

  it('of one route lets nothing of another pass', () => {
    const mixed = policyWith([
      '{ name: watched, match: "GET /o/{organizationId}", permission: leave:read, mode: shadow }',
      '{ name: enforced, match: "PUT /o/{organizationId}", permission: leave:approve }',
    ])
    expect(decide(mixed, requestOf('PUT /o/org-a'), { fact: factOf(['x']) }).passes).toBe(false)
    expect(decide(mixed, requestOf('GET /o/org-a'), { fact: factOf(['x']) }).passes).toBe(true)
  })

  // Contract section 4: "Where a policy route matches too, both must allow." The shadow is the
  // route's; the rule of Envoy's operator has no such mode.
  it.each<[string, World, RequestParts]>([
    ['does not hold its permission', {}, { extensions: { permission: 'leave:approve' } }],
    ['has no token', {}, { headers: {}, extensions: { access: 'authenticated' } }],
    [
      'has a forged token',
      { token: { why: 'forged' } },
      { extensions: { access: 'authenticated' } },
    ],
  ])("does not lift the rule of Envoy's own route from who %s", (_title, world, parts) => {
    const decision = decide(shadow, requestOf('GET /o/org-a', parts), {
      fact: factOf(['viewer']),
      ...world,
    })
    expect(decision.passes).toBe(false)
  })

  it("does not satisfy the rule of Envoy's own route with a fact of another pair", () => {
    const match = 'match: "GET /o/{organizationId}/in/{other}"'
    const watched = policyWith([`{ name: a, ${match}, permission: leave:read, mode: shadow }`])
    const path = '/o/{other}/in/{organizationId}'
    const request = requestOf('GET /o/org-b/in/org-a', {
      extensions: { permission: 'leave:read', path },
    })
    const token = tokenOf({ organizationId: undefined })
    expect(decide(watched, request, { token, fact: factOf(['viewer']) })).toMatchObject({
      reason: 'tenant_mismatch',
      passes: false,
    })
  })

  it.each<[string, RequestParts]>([
    ['cannot be read', { extensions: { permission: '' } }],
    ['names an unknown access', { extensions: { access: 'x' } }],
  ])("does not lift a rule of Envoy's own route that %s", (_title, parts) => {
    expect(decide(shadow, requestOf('GET /o/org-a', parts))).toMatchObject({
      reason: 'no_route',
      passes: false,
    })
  })
})

describe('the trace tells', () => {
  function stepsOf(line: string, world: World = {}, parts?: RequestParts): readonly string[] {
    const steps: string[] = []
    const trace = (step: Step, outcome: string): void => void steps.push(`${step} ${outcome}`)
    decide(policy, requestOf(line, parts), { ...world, trace })
    return steps
  }

  it('each step of a grant, in order', () => {
    expect(stepsOf('GET /o/org-a')).toEqual([
      ...['request passed', 'path passed', 'route passed', 'credential passed', 'token passed'],
      ...[
        'tenant passed',
        'subject passed',
        'member passed',
        'permission passed',
        'decision passed',
      ],
    ])
  })

  it.each<[string, string, World, string, RequestParts?]>([
    ['an unreadable request', 'CONNECT /', {}, 'request refused'],
    ['an ambiguous path', 'GET //', {}, 'path refused'],
    ['a missing route', 'GET /x', {}, 'route refused'],
    ['a missing credential', 'GET /o/org-a', {}, 'credential refused', { headers: {} }],
    ['a forged token', 'GET /o/org-a', { token: { why: 'x' } }, 'token refused'],
    ['another tenant', 'GET /o/org-b', {}, 'tenant refused'],
    [
      'another tenant whose platform roles cannot be read',
      'GET /o/org-b',
      { fact: 'down' },
      'tenant refused',
    ],
    ['a banned user', 'GET /o/org-a', { fact: factOf([], { banned: true }) }, 'subject refused'],
    ['no member', 'GET /o/org-a', { fact: factOf([], { rows: [] }) }, 'member refused'],
    ['a lacking permission', 'GET /o/org-a', { fact: factOf([]) }, 'permission refused'],
    ['no source of facts', 'GET /o/org-a', { fact: 'down' }, 'decision refused'],
  ])('of %s the step that refused, as the last', (_title, line, world, last, parts) => {
    const steps = stepsOf(line, world, parts)
    expect(steps.at(-1)).toBe(last)
    expect(steps.filter((step) => step.endsWith('refused'))).toEqual([last])
  })
})
