import { describe, expect, it } from 'vitest'
import type { CheckDeps } from '../../src/application/check.ts'
import { createBoundedMap } from '../../src/adapters/lru/bounded-map.ts'
import type { Facts } from '../../src/application/facts.ts'
import { createTokenMemory } from '../../src/application/token-memory.ts'
import { factsFrom } from '../../src/application/simulate.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { TokenVerdict } from '../../src/domain/evaluate.ts'
import type { EndSignal } from '../../src/ports/end-signal.ts'
import {
  bearer,
  checkWith,
  factOf,
  inTime,
  nowMs,
  nowS,
  policyWith,
  until,
} from '../support/builders.ts'
import {
  anyToken,
  requestOf,
  simulatedFacts,
  simulatedTokens,
  tokenOf,
} from '../support/builders.ts'

const policy = policyWith([
  '{ name: leave, match: "GET /o/{organizationId}", permission: leave:read, freshness: verified }',
  '{ name: pay, match: "GET /p/{organizationId}", permission: [leave:read, leave:approve] }',
  '{ name: onClaims, match: "GET /c/{organizationId}", permission: leave:read, whenUnavailable: claims }',
  '{ name: watched, match: "GET /w/{organizationId}", permission: leave:read, mode: shadow }',
  '{ name: me, match: GET /me, access: authenticated, freshness: database }',
  '{ name: health, match: GET /healthz, access: public }',
])
const setUp = (deps: Partial<CheckDeps> = {}): ReturnType<typeof checkWith> =>
  checkWith({ policy: () => policy, ...deps })

const factsDown = new AppError('FACTS_UNAVAILABLE', 'no source answered')
const ownRole = tokenOf({ orgRole: 'viewer' })

describe('a check asks', () => {
  it('the verifier for the token, and the facts for the pair as fresh as the route says', async () => {
    const tokens = simulatedTokens()
    const facts = simulatedFacts()
    const { check, faults } = setUp({ tokens, facts })
    expect(await check(requestOf('GET /o/org-a'), inTime())).toMatchObject({
      reason: 'granted',
      passes: true,
    })
    expect(tokens.asked).toEqual([anyToken])
    expect(facts.asked).toEqual([
      { pair: { user: 'u1', organization: 'org-a' }, freshness: 'verified' },
    ])
    expect(faults).toEqual([])
  })

  it('for the pair of the token itself where a platform role could open another tenant', async () => {
    const facts = simulatedFacts(factOf([], { platformRoles: ['superadmin'] }))
    const { check } = setUp({ facts })
    expect((await check(requestOf('GET /o/org-b'), inTime())).reason).toBe('granted')
    expect(facts.asked).toEqual([
      { pair: { user: 'u1', organization: 'org-a' }, freshness: 'verified' },
    ])
  })

  it("for the requested tenant's pair where the token names none", async () => {
    const facts = simulatedFacts()
    const tokens = simulatedTokens(tokenOf({ organizationId: undefined }))
    const { check } = setUp({ facts, tokens })
    expect((await check(requestOf('GET /o/org-b'), inTime())).reason).toBe('granted')
    expect(facts.asked[0]?.pair).toEqual({ user: 'u1', organization: 'org-b' })
  })

  it.each([
    ['org-a', 'org-a'],
    [undefined, null],
  ])('for the pair of %s on an authenticated route', async (organizationId, organization) => {
    const facts = simulatedFacts(factOf([], { rows: [] }))
    const tokens = simulatedTokens(tokenOf({ organizationId }))
    const { check } = setUp({ facts, tokens })
    expect((await check(requestOf('GET /me'), inTime())).reason).toBe('granted')
    expect(facts.asked).toEqual([{ pair: { user: 'u1', organization }, freshness: 'database' }])
  })

  it.each([
    ['neither on a public route', 'GET /healthz', {}, 0, 0],
    ['neither without a route', 'GET /x', { authorization: bearer }, 0, 0],
    ['neither for an ambiguous path', 'GET //', { authorization: bearer }, 0, 0],
    ['neither without a token', 'GET /o/org-a', {}, 0, 0],
    ['neither for a malformed token', 'GET /o/org-a', { authorization: 'Bearer x' }, 0, 0],
    ['both once for a member', 'GET /o/org-a', { authorization: bearer }, 1, 1],
  ])('%s', async (_title, line, headers, tokensAsked, factsAsked) => {
    const tokens = simulatedTokens()
    const facts = simulatedFacts()
    await setUp({ tokens, facts }).check(requestOf(line, { headers }), inTime())
    expect(tokens.asked).toHaveLength(tokensAsked)
    expect(facts.asked).toHaveLength(factsAsked)
  })

  it.each([
    ['a forged token', { why: 'forged' }, 'GET /o/org-a', 'invalid_token'],
    ['an expired token', tokenOf({ exp: nowS }), 'GET /o/org-a', 'expired_token'],
    ['a tenant that no platform role could open', tokenOf(), 'GET /p/org-b', 'tenant_mismatch'],
  ])('no facts for %s', async (_title, verdict, line, reason) => {
    const unopened = policyWith(
      ['{ name: leave, match: "GET /o/{organizationId}", permission: leave:read }'],
      ['permissions: [leave:read, leave:approve]'],
    )
    const supportOnly = {
      ...policy,
      platformRoles: new Map([['support', new Set(['leave:read'])]]),
      platformPermissions: new Set(['leave:read']),
    }
    const facts = simulatedFacts()
    const { check } = setUp({
      policy: () => (line === 'GET /p/org-b' ? supportOnly : unopened),
      tokens: simulatedTokens(verdict),
      facts,
    })
    expect((await check(requestOf(line), inTime())).reason).toBe(reason)
    expect(facts.asked).toEqual([])
  })

  it('the clock after the token was verified', async () => {
    let time = nowMs
    const tokens = simulatedTokens(async () => {
      time += 1000_000
      return tokenOf()
    })
    const { check } = setUp({ tokens, now: () => time })
    expect((await check(requestOf('GET /o/org-a'), inTime())).reason).toBe('expired_token')
  })

  it('for one policy, from its beginning to its end', async () => {
    let asked = 0
    const { check } = setUp({
      policy: () => (asked++ === 0 ? policy : policyWith([])),
    })
    const decision = await check(requestOf('GET /o/org-a'), inTime())
    expect(decision.reason).toBe('granted')
    expect(decision.evaluation.policy).toBe(policy)
    expect(asked).toBe(1)
  })

  it('with the same signal that it was given', async () => {
    const { signal } = new AbortController()
    const seen: EndSignal[] = []
    const tokens = simulatedTokens(async (_token, given) => {
      seen.push(given.signal())
      return tokenOf()
    })
    const facts = simulatedFacts(async (_pair, _freshness, given) => {
      seen.push(given)
      return factOf(['viewer'])
    })
    await setUp({ tokens, facts }).check(requestOf('GET /o/org-a'), until(signal))
    expect(seen).toEqual([signal, signal])
  })
})

describe('a verified token', () => {
  const setUpMemory = () => {
    const identities = createTokenMemory({
      createMap: createBoundedMap,
      maxEntries: 10,
      maxBytes: 100_000,
    })
    const verified = Promise.withResolvers<ReturnType<typeof tokenOf>>()
    const { check } = setUp({ identities, tokens: { verify: () => verified.promise } })
    return { check, identities, verified }
  }

  it('is remembered', async () => {
    const { check, identities, verified } = setUpMemory()
    verified.resolve(tokenOf())
    await check(requestOf('GET /o/org-a'), inTime())
    expect(identities.usage().entries).toBe(1)
  })

  it('is not where the keys have changed while its signature was checked', async () => {
    const { check, identities, verified } = setUpMemory()
    const checking = check(requestOf('GET /o/org-a'), inTime())
    identities.clear() // the key that signed it is revoked
    verified.resolve(tokenOf())
    await checking
    expect(identities.usage().entries).toBe(0)
  })
})

describe('a credential that was recognised', () => {
  const world = async () => {
    const identities = createTokenMemory({
      createMap: createBoundedMap,
      ...{ maxEntries: 9, maxBytes: 100_000 },
    })
    const tokens = simulatedTokens()
    const { check } = setUp({ identities, tokens })
    await check(requestOf('GET /o/org-a'), inTime())
    await check(requestOf('GET /o/org-a'), inTime())
    const recognised = identities.recognise(Buffer.from(bearer), 0, bearer.length)
    const ask = async (of = recognised) => {
      const request = { ...requestOf('GET /o/org-a'), recognised: of }
      return (await check(request, inTime())).reason
    }
    return { ask, identities, tokens }
  }

  it('is not looked up by its text, nor verified', async () => {
    const { ask, identities, tokens } = await world()
    const counting = { ...identities.usage() }
    expect(await ask()).toBe('granted')
    expect(tokens.asked).toHaveLength(1)
    expect(identities.usage()).toMatchObject({ hits: counting.hits + 1, misses: 1 })
  })

  it('is verified again once it was forgotten, or where another recognised it', async () => {
    const { ask, identities, tokens } = await world()
    expect(await ask({ text: bearer })).toBe('granted')
    expect(tokens.asked).toHaveLength(1)
    identities.clear()
    expect(await ask()).toBe('granted')
    expect(tokens.asked).toHaveLength(2)
  })
})

describe('a token that is verified at once', () => {
  const identities = () =>
    createTokenMemory({ createMap: createBoundedMap, maxEntries: 10, maxBytes: 100_000 })
  const known = { fact: factOf(['viewer']), verified: true }
  const facts = { ...simulatedFacts(), known: () => known }
  const atOnce = (verdict: TokenVerdict) => ({ verify: () => verdict })

  it.each<[string, TokenVerdict, string, number]>([
    ['a good one', tokenOf(), 'granted', 1],
    ['a forged one', { why: 'forged' }, 'invalid_token', 0],
    ['an expired one', tokenOf({ exp: nowS }), 'expired_token', 0],
    ['one that is not valid yet', tokenOf({ nbf: nowS + 6 }), 'invalid_token', 0],
    ['one without an end', tokenOf({ exp: null }), 'invalid_token', 0],
  ])('is decided at once too: %s', (_title, verdict, reason, entries) => {
    const memory = identities()
    const tokens = atOnce(verdict)
    const decision = setUp({ tokens, facts, identities: memory }).check(
      requestOf('GET /o/org-a'),
      inTime(),
    )
    expect(decision).toMatchObject({ reason })
    expect(memory.usage().entries).toBe(entries)
  })

  it('is judged by the clock of its batch', () => {
    const batch = () => ({ wallMs: (nowS + 10) * 1_000, monotonicMs: 0 })
    const at = (exp: number) =>
      setUp({ tokens: atOnce(tokenOf({ exp })), facts, batch }).check(
        requestOf('GET /o/org-a'),
        inTime(),
      )
    expect(at(nowS + 11)).toMatchObject({ reason: 'granted' })
    expect(at(nowS + 10)).toMatchObject({ reason: 'expired_token' })
  })

  it('asks for its fact by a promise where that is not known', async () => {
    const asked = simulatedFacts()
    const deciding = setUp({ tokens: atOnce(tokenOf()), facts: asked }).check(
      requestOf('GET /o/org-a'),
      inTime(),
    )
    expect(deciding).toBeInstanceOf(Promise)
    expect(await deciding).toMatchObject({ reason: 'granted' })
  })

  it('grants nothing once it is late', () => {
    const { check } = setUp({ tokens: atOnce(tokenOf()), facts })
    expect(check(requestOf('GET /o/org-a'), until(AbortSignal.abort()))).toMatchObject({
      reason: 'unavailable',
      passes: false,
    })
  })

  it('for which there is no time, at once or later, is unavailable, and remembered as nothing', async () => {
    const refused = new AppError('VERIFICATION_UNAVAILABLE', 'no time')
    const memory = identities()
    const throwing = {
      verify: () => {
        throw refused
      },
    }
    for (const tokens of [throwing, { verify: () => Promise.reject(refused) }]) {
      const { check, faults } = setUp({ tokens, facts, identities: memory })
      for (const line of ['GET /o/org-a', 'GET /c/org-a']) {
        expect(await check(requestOf(line), inTime())).toMatchObject({
          reason: 'unavailable',
          passes: false,
        })
      }
      expect(faults).toEqual([refused, refused])
    }
    expect(memory.usage().entries).toBe(0)
  })
})

describe('a claim', () => {
  const onClaims = requestOf('GET /c/org-a')
  const world = (room: boolean) => ({
    ...setUp({
      tokens: simulatedTokens(ownRole),
      facts: {
        ...simulatedFacts(factOf(['nobody'])),
        claimMayGrant: () => true,
        claimGranted: () => room,
      },
    }),
  })

  it('goes by the beginning of the batch in which it is made, for tokens and for facts', async () => {
    let wallMs = nowMs
    const asked: unknown[] = []
    const identities = createTokenMemory({
      createMap: createBoundedMap,
      ...{ maxEntries: 9, maxBytes: 100_000 },
    })
    const facts: Facts = {
      ...simulatedFacts(),
      known(_pair, _freshness, at) {
        asked.push(at)
        return undefined
      },
    }
    const batch = () => ({ monotonicMs: 7, wallMs })
    const { check } = setUp({ identities, facts, batch })
    for (let round = 0; round < 2; round += 1) {
      expect((await check(requestOf('GET /o/org-a'), inTime())).reason).toBe('granted')
    }
    expect(asked).toEqual([undefined, { monotonicMs: 7, wallMs: nowMs }])
    wallMs += 1_000_000
    expect((await check(requestOf('GET /o/org-a'), inTime())).reason).toBe('expired_token')
  })

  it.each([
    ['Bearer', 'granted', 1],
    ['bearer', 'granted', 1],
    ['Bearer  ', 'granted', 1],
    ['Basic ', 'malformed_credential', 1],
    ['', 'malformed_credential', 1],
    ['Bearer x', 'malformed_credential', 1],
  ])('takes a token that is known after "%s" for what it would be unknown', async (...row) => {
    const [scheme, reason, asked] = row
    const tokens = simulatedTokens()
    const identities = createTokenMemory({
      createMap: createBoundedMap,
      ...{ maxEntries: 9, maxBytes: 100_000 },
    })
    const { check } = setUp({ identities, tokens })
    await check(requestOf('GET /o/org-a'), inTime())
    const headers = { authorization: `${scheme} ${anyToken}` }
    expect((await check(requestOf('GET /o/org-a', { headers }), inTime())).reason).toBe(reason)
    expect(tokens.asked).toHaveLength(asked)
    expect(identities.usage().misses).toBe(1)
  })

  it('grants where it will be verified soon, and not where too much waits for that', async () => {
    expect((await world(true).check(onClaims, inTime())).reason).toBe('granted')
    const refused = await world(false).check(onClaims, inTime())
    expect([refused.reason, refused.evaluation.fact?.source]).toEqual([
      'permission_denied',
      'postgres',
    ])
  })
})

describe('a fault is unavailable and told', () => {
  const bug = new TypeError('a bug')
  it.each<[string, Partial<CheckDeps>, unknown]>([
    [
      'of keys that cannot be told',
      { tokens: simulatedTokens(new AppError('KEYS_UNAVAILABLE', 'x')) },
      expect.any(AppError),
    ],
    ['of a bug in the verifier', { tokens: simulatedTokens(bug) }, bug],
    [
      'of a verifier that throws at once',
      {
        tokens: {
          verify: () => {
            throw bug
          },
        },
      },
      bug,
    ],
    [
      'of a verifier that gives nothing',
      { tokens: simulatedTokens(async () => undefined as never) },
      expect.any(TypeError),
    ],
    ['of facts that do not answer', { facts: simulatedFacts(factsDown) }, factsDown],
    [
      'of facts that throw at once',
      {
        facts: factsFrom(() => {
          throw bug
        }),
      },
      bug,
    ],
    [
      'of facts that give nothing',
      { facts: simulatedFacts(async () => undefined as never) },
      expect.any(TypeError),
    ],
    [
      'of a fact of another shape',
      { facts: simulatedFacts(async () => ({ user: true }) as never) },
      expect.any(TypeError),
    ],
    [
      'of a clock that fails',
      {
        now: () => {
          throw bug
        },
      },
      bug,
    ],
    [
      'of a trace that fails',
      {
        trace: () => {
          throw bug
        },
      },
      bug,
    ],
  ])('%s', async (_title, deps, fault) => {
    const { check, faults } = setUp(deps)
    expect(await check(requestOf('GET /o/org-a'), inTime())).toMatchObject({
      reason: 'unavailable',
      passes: false,
    })
    expect(faults[0]).toEqual(fault)
  })

  it('of a request whose headers cannot be read', async () => {
    const request = {
      ...requestOf('GET /o/org-a'),
      header: () => {
        throw bug
      },
    }
    const { check, faults } = setUp()
    expect((await check(request, inTime())).reason).toBe('unavailable')
    expect(faults).toEqual([bug])
  })

  it('and passes in shadow mode alone', async () => {
    const { check } = setUp({ facts: simulatedFacts(factsDown) })
    expect((await check(requestOf('GET /w/org-a'), inTime())).passes).toBe(true)
    expect((await check(requestOf('GET /o/org-a'), inTime())).passes).toBe(false)
  })

  it('and never rejects, not even where a rule of Envoy stands beside a route in shadow mode', async () => {
    const facts = simulatedFacts(async () => undefined as never)
    const { check } = setUp({ facts })
    const request = requestOf('GET /w/org-a', { extensions: { access: 'authenticated' } })
    await expect(check(request, inTime())).resolves.toMatchObject({
      reason: 'unavailable',
      passes: false,
    })
  })

  it('and leaves a mismatch what it is', async () => {
    const { check } = setUp({ facts: simulatedFacts(factsDown) })
    expect((await check(requestOf('GET /o/org-b'), inTime())).reason).toBe('tenant_mismatch')
  })
})

describe("a token's own role grants in an outage", () => {
  const tokens = simulatedTokens(ownRole)
  const facts = simulatedFacts(factsDown)

  it('where the route says so, and the outage is told', async () => {
    const { check, faults } = setUp({ tokens, facts })
    const decision = await check(requestOf('GET /c/org-a'), inTime())
    expect(decision).toMatchObject({
      reason: 'granted',
      evaluation: { fact: { source: 'claims' } },
    })
    expect(faults).toEqual([factsDown])
  })

  it.each<[string, string, Partial<CheckDeps>, string]>([
    ['with deny-only', 'GET /c/org-a', { claimsMayGrant: false }, 'unavailable'],
    ['where the route does not say so', 'GET /o/org-a', {}, 'unavailable'],
    ['in another tenant', 'GET /c/org-b', {}, 'tenant_mismatch'],
    [
      'where a fact was read that refuses',
      'GET /c/org-a',
      { facts: simulatedFacts(factOf([])) },
      'permission_denied',
    ],
    [
      'where the verifier is what failed',
      'GET /c/org-a',
      { tokens: simulatedTokens(factsDown) },
      'unavailable',
    ],
    [
      'where the fact is of a wrong shape, which is a bug',
      'GET /c/org-a',
      { facts: simulatedFacts(async () => undefined as never) },
      'unavailable',
    ],
    // Contract section 4: a bug is `unavailable`; claims stand in only "when no source answers".
    [
      'where the facts failed by a bug',
      'GET /c/org-a',
      { facts: simulatedFacts(new TypeError('a bug')) },
      'unavailable',
    ],
  ])('not %s', async (_title, line, deps, reason) => {
    const { check } = setUp({ tokens, facts, ...deps })
    expect((await check(requestOf(line), inTime())).reason).toBe(reason)
  })
})

describe('after the deadline', () => {
  it.each(['/healthz', '/me', '/o/org-a', '/c/org-a'])('nothing is granted: %s', async (path) => {
    const tokens = simulatedTokens(ownRole)
    const { check } = setUp({ tokens })
    const decision = await check(requestOf(`GET ${path}`), until(AbortSignal.abort()))
    expect(decision).toMatchObject({ reason: 'unavailable', passes: false })
  })

  it('nothing is granted where the deadline passes while the facts are read', async () => {
    const deadline = new AbortController()
    const facts = simulatedFacts(async () => {
      deadline.abort()
      return factOf(['owner'])
    })
    const decision = await setUp({ facts }).check(requestOf('GET /o/org-a'), until(deadline.signal))
    expect(decision).toMatchObject({ reason: 'unavailable', passes: false })
  })

  it('no rule of Envoy allows either where the route is in shadow mode', async () => {
    const deadline = new AbortController()
    const facts = simulatedFacts(async () => {
      deadline.abort()
      return factOf(['viewer'])
    })
    const request = requestOf('GET /w/org-a', { extensions: { permission: 'leave:read' } })
    const decision = await setUp({ facts }).check(request, until(deadline.signal))
    expect(decision).toMatchObject({ reason: 'unavailable', passes: false })
  })

  it('claims do not grant either', async () => {
    const deadline = new AbortController()
    const facts = simulatedFacts(async () => {
      deadline.abort()
      throw factsDown
    })
    const { check } = setUp({ facts, tokens: simulatedTokens(ownRole) })
    expect((await check(requestOf('GET /c/org-a'), until(deadline.signal))).reason).toBe(
      'unavailable',
    )
  })

  it.each<[string, Partial<CheckDeps>]>([
    ['the verifier', { tokens: simulatedTokens(() => new Promise(() => undefined)) }],
    ['the facts', { facts: simulatedFacts(() => new Promise(() => undefined)) }],
  ])('nobody waits for %s that ignore the signal', async (_title, deps) => {
    const deadline = new AbortController()
    const pending = setUp(deps).check(requestOf('GET /o/org-a'), until(deadline.signal))
    deadline.abort()
    expect(await pending).toMatchObject({ reason: 'unavailable', passes: false })
  })

  it('an answer that comes too late changes nothing, and no fault of it escapes', async () => {
    const deadline = new AbortController()
    const { promise, reject } = Promise.withResolvers<never>()
    const { check } = setUp({ facts: simulatedFacts(() => promise) })
    const pending = check(requestOf('GET /o/org-a'), until(deadline.signal))
    deadline.abort()
    const decision = await pending
    reject(new Error('late'))
    await promise.catch(() => undefined)
    expect(decision).toMatchObject({ reason: 'unavailable', passes: false })
  })

  it.each([
    ['a refusal without a look-up stays what it is', 'GET /x', 'no_route'],
    ['any other is unavailable', 'GET /o/org-b', 'unavailable'],
  ])('%s', async (_title, line, reason) => {
    const { check } = setUp({ facts: simulatedFacts(factOf([])) })
    const decision = await check(requestOf(line), until(AbortSignal.abort()))
    expect(decision).toMatchObject({ reason, passes: false })
  })
})
