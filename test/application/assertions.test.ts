import { describe, expect, it } from 'vitest'
import { createBoundedMap } from '../../src/adapters/lru/bounded-map.ts'
import { createAssertions, type AssertionsDeps } from '../../src/application/assertions.ts'
import type { AssertionClaims } from '../../src/domain/assertion.ts'
import {
  decide,
  factOf,
  nowMs,
  nowS,
  policyWith,
  requestOf,
  tokenOf,
  type World,
} from '../support/builders.ts'

const upstreams = ['upstreams: { leave: http://leave:1, all: http://all:1 }']
const routes = [
  '{ name: leave, match: "GET /o/{organizationId}", permission: leave:read, upstream: leave }',
  '{ name: watched, match: "GET /w/{organizationId}", permission: leave:read, mode: shadow }',
  '{ name: me, match: GET /me, access: authenticated }',
  '{ name: health, match: GET /healthz, access: public }',
]
const policy = policyWith(routes, upstreams)
const withDefault = policyWith(routes, [...upstreams, 'defaultUpstream: all'])

/** Assertions whose token is their number, and what was signed. */
function assertions(deps: Partial<AssertionsDeps> = {}) {
  const signed: AssertionClaims[] = []
  const faults: unknown[] = []
  const clock = { ms: nowMs }
  const assert = createAssertions({
    signer: { sign: (claims) => `token-${signed.push(claims)}` },
    createMap: createBoundedMap,
    maxEntries: 100,
    maxBytes: 1_000_000,
    audience: 'upstream',
    now: () => clock.ms,
    onFault: (cause) => faults.push(cause),
    ...deps,
  })
  const ask = (line: string, world: World = {}, by = policy, id = 'id-1') =>
    assert(decide(by, requestOf(line), world), id)
  return { ask, signed, faults, clock }
}

const staff: World = { fact: factOf(['staff', 'viewer'], { platformRoles: ['user'] }) }

describe('an assertion', () => {
  it('states what the identity headers do, for the upstream of the route', () => {
    const { ask, signed } = assertions()
    expect(ask('GET /o/org-a', staff)).toEqual({ token: 'token-1' })
    expect(signed).toEqual([
      {
        ...{ iss: 'tenantgate', aud: 'leave', sub: 'u1', org: 'org-a', decision_id: 'id-1' },
        ...{ org_roles: ['staff', 'viewer'], user_roles: ['user'] },
        ...{ iat: nowS, exp: nowS + 60 },
      },
    ])
  })

  it('is for the default upstream, else for the audience that is configured', () => {
    const { ask, signed } = assertions()
    ask('GET /me', staff, withDefault)
    ask('GET /me', staff, policy)
    ask('GET /o/org-a', staff, withDefault)
    expect(signed.map(({ aud }) => aud)).toEqual(['all', 'upstream', 'leave'])
  })

  it('names no organization where none applies', () => {
    const { ask, signed } = assertions()
    ask('GET /me', staff)
    expect(signed[0]).toMatchObject({ sub: 'u1', org_roles: [], user_roles: ['user'] })
    expect(signed[0]).not.toHaveProperty('org')
  })

  it.each<[string, string, World]>([
    ['on a public route', 'GET /healthz', {}],
    ['for a refusal', 'GET /o/org-a', { fact: factOf(['approver']) }],
    ['for another tenant', 'GET /o/org-b', {}],
    ['where a shadow rule lets a forged token pass', 'GET /w/org-a', { token: { why: 'forged' } }],
  ])('is not made %s', (_name, line, world) => {
    const { ask, signed } = assertions()
    expect(ask(line, world)).toEqual({ token: null })
    expect(signed).toEqual([])
  })

  it('states no role of who a shadow rule lets pass without membership', () => {
    const { ask, signed } = assertions()
    ask('GET /w/org-a', { fact: factOf([], { rows: [] }) })
    expect(signed).toMatchObject([{ sub: 'u1', org_roles: [] }])
    expect(signed[0]).not.toHaveProperty('org')
  })

  it('that cannot be signed is a fault, and no answer', () => {
    const { ask, faults } = assertions({
      signer: {
        sign() {
          throw new Error('no key')
        },
      },
    })
    expect(ask('GET /o/org-a', staff)).toEqual({ failed: true })
    expect(faults).toMatchObject([{ message: 'no key' }])
  })

  it('is for the upstream that the policy in force names', () => {
    const moved = policyWith(
      [(routes[0] ?? '').replace('upstream: leave', 'upstream: all')],
      upstreams,
    )
    const { ask, signed } = assertions()
    ask('GET /o/org-a', staff, policy)
    ask('GET /o/org-a', staff, moved)
    expect(signed.map(({ aud }) => aud)).toEqual(['leave', 'all'])
  })
})

describe('an assertion is signed once', () => {
  it('for what it states, until half its life is over', () => {
    const { ask, clock, signed } = assertions()
    for (const laterMs of [0, 1, 29_999]) {
      clock.ms = nowMs + laterMs
      expect(ask('GET /o/org-a', staff, policy, `id-${laterMs}`)).toEqual({ token: 'token-1' })
    }
    clock.ms = nowMs + 30_000
    expect(ask('GET /o/org-a', staff, policy, 'id-2')).toEqual({ token: 'token-2' })
    expect(signed.map(({ decision_id }) => decision_id)).toEqual(['id-0', 'id-2'])
  })

  it('and again where the clock was set back before it', () => {
    const { ask, clock } = assertions()
    ask('GET /o/org-a', staff)
    clock.ms = nowMs - 1
    expect(ask('GET /o/org-a', staff)).toEqual({ token: 'token-2' })
  })

  const other = tokenOf({ sub: 'u2' })
  it.each<[string, string, World]>([
    ['another user', 'GET /o/org-a', { ...staff, token: other }],
    ['fewer roles', 'GET /o/org-a', { fact: factOf(['viewer']) }],
    [
      'other platform roles',
      'GET /o/org-a',
      { fact: factOf(['staff', 'viewer'], { platformRoles: [] }) },
    ],
    ['another upstream', 'GET /w/org-a', staff],
    ['no organization', 'GET /me', staff],
  ])('but never for %s', (_name, line, world) => {
    const { ask, signed } = assertions()
    ask('GET /o/org-a', staff)
    ask(line, world)
    expect(signed).toHaveLength(2)
  })

  it('but never for a role that reads like two', () => {
    const { ask, signed } = assertions()
    ask('GET /o/org-a', { fact: factOf(['viewer', 'a', 'b']) })
    ask('GET /o/org-a', { fact: factOf(['viewer', 'a,b']) })
    expect(signed).toHaveLength(2)
  })
})
