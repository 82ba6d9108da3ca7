import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/errors.ts'
import type { Fact } from '../../src/domain/fact.ts'
import type { VerifiedToken } from '../../src/domain/identity.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import type { EndSignal } from '../../src/ports/end-signal.ts'
import { checkWith, factOf, inTime, until, nowMs, nowS, policyWith } from '../support/builders.ts'
import { requestOf, simulatedFacts, simulatedTokens, tokenOf } from '../support/builders.ts'

/**
 * An oracle for createCheck, written from contract sections 3 and 4: it knows what may be granted,
 * and shares no code with src. Every world in which it says no must end in a refusal, and every
 * other in a grant.
 */

/** Nearly always the first, so that most worlds get far and each way to fail is still tried. */
const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 14, arbitrary: fc.constant(usual) },
    ...others.map((other) => ({ weight: 1, arbitrary: fc.constant(other) })),
  )

const tenants = ['path', 'header', 'claim', 'none'] as const
const accesses = ['member', 'authenticated', 'public'] as const

const route = fc.record({
  access: mostly<(typeof accesses)[number]>(...accesses),
  tenant: fc.constantFrom('path', 'path', ...tenants),
  quantifier: fc.constantFrom('all', 'any'),
  permissions: fc.subarray(['leave:read', 'leave:approve'], { minLength: 1 }),
  whenUnavailable: fc.constantFrom('deny', 'claims'),
  mode: mostly('enforce', 'shadow'),
})
type RouteParts = typeof route extends fc.Arbitrary<infer T> ? T : never

/** The route as a line of a policy; its path is `/o/{organizationId}`. */
function lineOf(parts: RouteParts): string {
  const open = `match: "GET /o/{organizationId}", access: ${parts.access}, mode: ${parts.mode}`
  if (parts.access !== 'member') return `{ name: r, ${open} }`
  const source = {
    path: '{ path: organizationId }',
    header: '{ header: x-tenant }',
    claim: '{ claim: true }',
    none: 'none',
  }[parts.tenant]
  const key = parts.quantifier === 'all' ? 'permission' : 'anyPermission'
  const asked = `${key}: [${parts.permissions.join(', ')}]`
  return `{ name: r, ${open}, tenant: ${source}, ${asked}, whenUnavailable: ${parts.whenUnavailable} }`
}

const organization = mostly('org-a', 'org-b', 'org-c')
const roles = fc.subarray(['viewer', 'approver', 'staff', 'unknown'], { maxLength: 2 })

const token = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ why: 'forged' }) },
  {
    weight: 20,
    arbitrary: fc
      .record({
        organizationId: mostly<string | null | undefined>('org-a', 'org-b', undefined, null),
        orgRole: fc.oneof({ weight: 6, arbitrary: roles }, fc.constant(undefined)),
        role: fc.constantFrom(undefined, 'superadmin'),
        iat: mostly<number | undefined>(nowS - 60, undefined, nowS + 60),
        exp: mostly<number | null>(nowS + 60, nowS, null),
      })
      .map((claims) => tokenOf(claims)),
  },
)
const fact = fc
  .record({
    user: mostly(true, false),
    banned: mostly(false, true),
    rows: fc.oneof(fc.tuple(roles), fc.array(roles, { maxLength: 2 })),
    platformRoles: fc.subarray(['superadmin', 'support', 'user'], { maxLength: 2 }),
    source: fc.constantFrom('memory', 'redis', 'postgres'),
  })
  .map((parts): Fact => factOf([], parts))

/** How a dependency behaves; `late` answers once the deadline has passed, `hangs` never. */
type Behaviour = 'answers' | 'fails' | 'late' | 'hangs' | 'nothing'
const keysBehave = mostly<Behaviour>('answers', 'fails', 'late', 'hangs', 'nothing')
const factsBehave = fc.oneof(
  keysBehave,
  fc.constantFrom<Behaviour>('answers', 'fails', 'fails', 'late', 'nothing'),
)

const world = fc.record({
  route,
  extension: mostly('none', 'leave:approve', 'authenticated', 'public'),
  tenantInPath: organization,
  tenantHeader: mostly<string | undefined>('org-a', undefined, 'org-b', 'no id', 'org-a,org-a'),
  authorization: mostly<'one' | 'none' | 'two' | 'basic'>('one', 'none', 'two', 'basic'),
  token,
  tokens: keysBehave,
  fact,
  facts: factsBehave,
  claimsMayGrant: fc.boolean(),
  aborted: mostly(false, true),
})
type World = typeof world extends fc.Arbitrary<infer T> ? T : never

const permissionsOf: Readonly<Record<string, readonly string[]>> = {
  viewer: ['leave:read'],
  approver: ['leave:approve'],
  staff: ['leave:read', 'leave:approve'],
}
const platformPermissionsOf: Readonly<Record<string, readonly string[]>> = {
  superadmin: ['leave:read', 'leave:approve'],
  support: ['leave:read'],
}
type Holds = (permission: string) => boolean
interface Rule {
  readonly met: (holds: Holds) => boolean
  /** Undefined: the request should name one and does not; null: the route has none. */
  readonly tenant: string | null | undefined
}

/** The rules for members that a request has to satisfy: of the route, and of Envoy's own. */
function rulesOf(world: World, ownTenant: string | null): readonly Rule[] {
  const { access, permissions, quantifier } = world.route
  const header = world.tenantHeader === 'no id' ? undefined : world.tenantHeader
  const named = {
    path: world.tenantInPath,
    header,
    claim: ownTenant ?? undefined,
    none: null,
  }[access === 'member' ? world.route.tenant : 'path']
  const rules: Rule[] = []
  if (access === 'member') {
    rules.push({
      met: (holds) => (quantifier === 'all' ? permissions.every(holds) : permissions.some(holds)),
      tenant: named,
    })
  }
  if (world.extension === 'leave:approve') {
    rules.push({ met: (holds) => holds('leave:approve'), tenant: named })
  }
  return rules
}

function organizationOf({ token }: World): string | null {
  const named = 'claims' in token ? token.claims['organizationId'] : null
  return typeof named === 'string' ? named : null
}

function mayGrant(world: World, rules = rulesOf(world, organizationOf(world))): boolean {
  if (world.aborted) return false
  const readsHeader = world.route.access === 'member' && world.route.tenant === 'header'
  if (readsHeader && world.tenantHeader?.includes(',') === true) return false
  const isPublic = world.route.access === 'public' && ['none', 'public'].includes(world.extension)
  if (isPublic) return true
  if (world.authorization !== 'one' || world.tokens !== 'answers') return false
  if (!('claims' in world.token)) return false
  const { claims }: VerifiedToken = world.token
  if (typeof claims['exp'] !== 'number' || claims['exp'] <= nowS) return false
  if (typeof claims['iat'] === 'number' && claims['iat'] > nowS + 5) return false
  const own = organizationOf(world)
  const mismatch = rules.some(
    ({ tenant }) => tenant === undefined || (tenant !== null && own !== null && tenant !== own),
  )
  if (world.facts === 'answers') return factGrants(world.fact, rules, mismatch)
  if (world.facts !== 'fails') return false
  return claimsGrant(world, claims, rules, mismatch)
}

function factGrants(fact: Fact, rules: readonly Rule[], mismatch: boolean): boolean {
  if (!fact.user || fact.banned) return false
  const byPlatform: Holds = (permission) =>
    fact.platformRoles.some((role) => platformPermissionsOf[role]?.includes(permission) === true)
  const byMembership: Holds = (permission) =>
    fact.rows.length > 0 &&
    fact.rows.every((row) => row.some((role) => permissionsOf[role]?.includes(permission) === true))
  return rules.every(({ met, tenant }) => {
    const inTenant = !mismatch && tenant !== null
    return met((permission) => byPlatform(permission) || (inTenant && byMembership(permission)))
  })
}

/** Refusals before step 5, which no shadow lets pass. */
const notInShadow: readonly string[] = ['bad_request', 'ambiguous_path', 'no_route']

const isEnforced = (extension: string): boolean => !['none', 'public'].includes(extension)

/** Whether Envoy's own rule allows by itself, so that a route in shadow mode may let pass. */
function extensionAllows(world: World): boolean {
  const shadowless: World = { ...world, route: { ...world.route, access: 'public' } }
  if (!isEnforced(world.extension)) return true
  // Its tenant is that of the route (contract section 4), so only its own rule is left of these.
  const own = organizationOf(world)
  const rules = rulesOf(world, own).slice(world.route.access === 'member' ? 1 : 0)
  return mayGrant(shadowless, rules)
}

/** `whenUnavailable: claims`: a valid token's organization role, in its own organization. */
function claimsGrant(
  world: World,
  claims: VerifiedToken['claims'],
  rules: readonly Rule[],
  mismatch: boolean,
): boolean {
  const { access, whenUnavailable } = world.route
  if (!world.claimsMayGrant || access !== 'member' || whenUnavailable !== 'claims') return false
  if (typeof claims['organizationId'] !== 'string') return false
  if (mismatch || rules.some(({ tenant }) => tenant !== claims['organizationId'])) return false
  if (typeof claims['iat'] !== 'number') return false
  const held = claims['orgRole']
  if (!Array.isArray(held)) return false
  return rules.every(({ met }) =>
    met((permission) =>
      held.some((role: string) => permissionsOf[role]?.includes(permission) === true),
    ),
  )
}

/** Makes a port that behaves as told; `late` answers grant, but only after the abort. */
function behave<T>(how: Behaviour, answer: T, code: 'KEYS_UNAVAILABLE' | 'FACTS_UNAVAILABLE') {
  return async (signal: EndSignal): Promise<T> => {
    if (how === 'fails') throw new AppError(code, 'down')
    if (how === 'nothing') return undefined as never
    if (how === 'answers') return answer
    return new Promise((resolve) => {
      if (how === 'late') signal.addEventListener('abort', () => resolve(answer))
    })
  }
}

function requestIn(world: World): AccessRequest {
  const authorization = {
    one: 'Bearer a.b.c',
    none: '',
    two: 'Bearer a.b.c,Bearer a.b.c',
    basic: 'Basic abc',
  }[world.authorization]
  const { extension, tenantHeader } = world
  return requestOf(`GET /o/${world.tenantInPath}`, {
    headers: { authorization, ...(tenantHeader !== undefined && { 'x-tenant': tenantHeader }) },
    extensions:
      extension === 'none'
        ? {}
        : extension.includes(':')
          ? { permission: extension }
          : { access: extension },
  })
}

describe('a check', () => {
  it('grants exactly where token and fact, or the claims in an outage, justify it', async () => {
    const seen = new Map<string, number>()
    const policies = new Map<string, ReturnType<typeof policyWith>>()
    await fc.assert(
      fc.asyncProperty(world, async (world) => {
        const line = lineOf(world.route)
        const policy =
          policies.get(line) ?? policyWith([line], ['permissions: [leave:read, leave:approve]'])
        policies.set(line, policy)
        const tokens = behave(world.tokens, world.token, 'KEYS_UNAVAILABLE')
        const facts = behave(world.facts, world.fact, 'FACTS_UNAVAILABLE')
        const { check } = checkWith({
          policy: () => policy,
          tokens: simulatedTokens((_token, caller) => tokens(caller.signal())),
          facts: simulatedFacts((_pair, _freshness, signal) => facts(signal)),
          claimsMayGrant: world.claimsMayGrant,
        })
        const deadline = new AbortController()
        if (world.aborted) deadline.abort()
        const pending = check(requestIn(world), until(deadline.signal))
        const waits = [world.tokens, world.facts].some((how) => how === 'late' || how === 'hangs')
        // The deadline passes once all that can happen before it has happened.
        if (waits) await new Promise(setImmediate)
        if (waits) deadline.abort()
        const { reason, passes, evaluation } = await pending

        expect(reason === 'granted').toBe(mayGrant(world))
        if (reason === 'granted') expect(passes).toBe(true)
        else if (notInShadow.includes(reason)) expect(passes).toBe(false)
        else if (passes) expect(world.route.mode === 'shadow' && extensionAllows(world)).toBe(true)
        else expect(world.route.mode === 'enforce' || isEnforced(world.extension)).toBe(true)
        const kind =
          reason === 'granted' ? `granted by ${evaluation.fact?.source ?? 'nobody'}` : reason
        seen.set(kind, (seen.get(kind) ?? 0) + 1)
      }),
      { numRuns: 6000 },
    )
    for (const kind of [
      ...['granted by postgres', 'granted by redis', 'granted by claims', 'granted by nobody'],
      ...['tenant_mismatch', 'banned', 'unknown_user', 'not_a_member', 'permission_denied'],
      ...[
        'unavailable',
        'missing_credential',
        'malformed_credential',
        'invalid_token',
        'expired_token',
      ],
    ]) {
      expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(5)
    }
  })

  const policy = policyWith([
    '{ name: leave, match: "GET /o/{organizationId:text}", permission: leave:read, whenUnavailable: claims }',
    '{ name: team, match: "GET /{rest...}", permission: leave:read, tenant: { header: x-tenant } }',
    '{ name: hosted, match: GET /, access: authenticated, hosts: ["*.example.com"] }',
  ])
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('GET', 'CONNECT', '', '/', '/o/org-a', '/o/%FF', '/o/%', '//', 'Bearer a.b.c'),
    fc.constantFrom('permission', 'access', 'path', 'leave:read', 'public', '/{', 'a.example.com'),
    fc.constantFrom('__proto__', 'constructor', '\0', '\ud800', 'x'.repeat(9000), '%'.repeat(100)),
  )
  const request = fc.record({
    method: text,
    host: text,
    path: text,
    headers: fc.dictionary(fc.constantFrom('authorization', 'x-tenant', 'x-request-id'), text),
    extensions: fc.dictionary(text, text),
  })
  /** Claims as a parser gives them: any JSON. */
  const claims = fc
    .dictionary(
      fc.constantFrom('sub', 'exp', 'iat', 'nbf', 'organizationId', 'orgRole', 'role', 'aud'),
      fc.jsonValue(),
    )
    .map((changed): VerifiedToken => ({ header: {}, claims: { ...tokenOf().claims, ...changed } }))

  it('never rejects, whatever the request and the token', async () => {
    await fc.assert(
      fc.asyncProperty(request, claims, async ({ headers, extensions, ...parts }, token) => {
        const { check, faults } = checkWith({
          policy: () => policy,
          tokens: simulatedTokens(token),
        })
        const request: AccessRequest = {
          ...parts,
          header: (name) => headers[name],
          extensions: new Map(Object.entries(extensions)),
        }
        const { reason } = await check(request, inTime())
        expect(faults).toEqual([])
        expect(reason).not.toBe('unavailable')
      }),
      { numRuns: 3000 },
    )
  })

  it('never grants after the deadline, whatever the request', async () => {
    const open = policyWith([
      '{ name: all, match: "GET /{rest...}", access: public }',
      '{ name: o, match: "GET /o/{organizationId}", permission: leave:read, whenUnavailable: claims }',
      '{ name: me, match: GET /me, access: authenticated }',
    ])
    const path = fc.constantFrom('/a', '/o/org-a', '/o/org-b', '/me', '/a/b')
    const extensions = fc.constantFrom({}, { access: 'public' }, { permission: 'leave:read' })
    const facts = fc.constantFrom(
      factOf(['owner']),
      factOf([], { platformRoles: ['superadmin'] }),
      new AppError('FACTS_UNAVAILABLE', 'down'),
    )
    /** The look-up during which the deadline passes. */
    const moment = fc.constantFrom('before', 'tokens', 'facts')
    await fc.assert(
      fc.asyncProperty(
        path,
        extensions,
        facts,
        moment,
        async (path, extensions, answer, moment) => {
          const deadline = new AbortController()
          const abort = (now: string): void => {
            if (now === moment) deadline.abort()
          }
          abort('before')
          const { check } = checkWith({
            policy: () => open,
            tokens: simulatedTokens(async () => {
              abort('tokens')
              return tokenOf({ orgRole: 'owner', iat: nowMs / 1000 })
            }),
            facts: simulatedFacts(async () => {
              abort('facts')
              if (answer instanceof Error) throw answer
              return answer
            }),
          })
          const { reason, passes } = await check(
            requestOf(`GET ${path}`, { extensions }),
            until(deadline.signal),
          )
          if (deadline.signal.aborted) expect({ reason, passes }).toMatchObject({ passes: false })
        },
      ),
      { numRuns: 500 },
    )
  })
})
