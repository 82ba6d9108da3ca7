import { beforeEach, describe, expect, it } from 'vitest'
import { createFactDecision, type DecideOnFact } from '../../src/application/decide-on-fact.ts'
import type { Facts } from '../../src/application/facts.ts'
import type { KnownFact } from '../../src/application/knowledge.ts'
import { AppError, type ErrorCode } from '../../src/domain/errors.ts'
import { admit, enter } from '../../src/domain/evaluate.ts'
import { newEvaluation, type Evaluation } from '../../src/domain/evaluation.ts'
import type { Fact } from '../../src/domain/fact.ts'
import type { Freshness } from '../../src/domain/policy.ts'
import {
  factOf,
  inTime,
  nowMs,
  policyWith,
  requestOf,
  tokenOf,
  uncheckedRules,
} from '../support/builders.ts'

const freshnesses: readonly Freshness[] = ['claims', 'cache', 'verified', 'database']
const policy = policyWith([
  ...freshnesses.map(
    (freshness) =>
      `{ name: ${freshness}, match: "GET /${freshness}/{organizationId}", ` +
      `permission: leave:read, freshness: ${freshness} }`,
  ),
  '{ name: outage, match: "GET /outage/{organizationId}", permission: leave:read, freshness: verified, whenUnavailable: claims }',
])

const pair = { user: 'u1', organization: 'org-a' }
const granting = factOf(['viewer'])
const refusing = factOf(['approver'])
const down = new AppError('DATABASE_UNAVAILABLE', 'the database is down')

let known: (KnownFact | undefined)[]
let claimMayGrant: boolean
let hasRoom: boolean
let recalled: Fact | undefined
let asked: Fact | Error
let unchanged: boolean
let newer: Fact | undefined
let told: string[]
let faults: unknown[]
let decide: DecideOnFact

beforeEach(() => {
  known = []
  claimMayGrant = true
  hasRoom = true
  recalled = undefined
  asked = granting
  unchanged = true
  newer = undefined
  told = []
  faults = []
  decide = decisionWith({ claimsMayGrant: true })
})

function decisionWith(settings: { readonly claimsMayGrant: boolean }): DecideOnFact {
  const facts: Facts = {
    known(of, freshness) {
      expect(of).toEqual(pair)
      told.push(`known ${freshness}`)
      return known.shift()
    },
    claimMayGrant(_pair, issuedAtMs) {
      told.push('claim')
      expect(issuedAtMs).toBe(nowMs - 60_000)
      return claimMayGrant
    },
    claimGranted(_pair, claimed) {
      told.push(`claim granted ${claimed.rows.join()}`)
      return hasRoom
    },
    async recall() {
      told.push('recall')
      return recalled
    },
    async ask(_pair, freshness) {
      told.push(`ask ${freshness}`)
      if (asked instanceof Error) throw asked
      return asked
    },
    isUnchangedSince(_pair, wallMs) {
      expect(wallMs).toBe(nowMs - 60_000)
      return unchanged
    },
    newerThan: () => newer,
  }
  return createFactDecision({ facts, ...settings, onFault: (cause) => faults.push(cause) })
}

/** An evaluation whose token was admitted. */
function admitted(route: string, claims: Readonly<Record<string, unknown>> = {}): Evaluation {
  const evaluation = newEvaluation(policy, requestOf(`GET /${route}/org-a`), undefined)
  expect(enter(evaluation)).toBeUndefined()
  const token = tokenOf({ orgRole: 'viewer', ...claims })
  expect(admit(evaluation, token, { rules: uncheckedRules, nowMs })).toBeUndefined()
  return evaluation
}

/** The decision, and by whose fact it was made. */
async function decided(route: string, claims?: Readonly<Record<string, unknown>>): Promise<string> {
  const evaluation = admitted(route, claims)
  const reason = await decide(evaluation, inTime())
  return `${reason} by ${evaluation.fact?.source ?? 'nobody'}`
}

const verified = (fact: Fact): KnownFact => ({
  fact: { ...fact, source: 'memory' },
  verified: true,
})
const unverified = (fact: Fact): KnownFact => ({ ...verified(fact), verified: false })

describe('what is known', () => {
  it.each(freshnesses)('decides at once on `%s`, without asking anybody', (freshness) => {
    for (const [one, reason] of [
      [verified(granting), 'granted'],
      [unverified(granting), 'granted'],
      [verified(refusing), 'permission_denied'],
      [verified(factOf([], { rows: [] })), 'not_a_member'],
    ] as const) {
      known = [one]
      told = []
      expect(decide(admitted(freshness), inTime())).toBe(reason)
      expect(told).toEqual([`known ${freshness}`])
    }
  })

  it('refuses only where this process has verified it; else PostgreSQL is asked', async () => {
    known = [unverified(refusing)]
    expect(await decided('claims')).toBe('granted by postgres')
    expect(told).toEqual(['known claims', 'ask claims'])
  })

  it('is not told as what an outage was decided on', async () => {
    known = [unverified(refusing)]
    asked = down
    expect(await decided('cache')).toBe('unavailable by nobody')
  })

  it('is not told as what a bug was decided on', async () => {
    known = [unverified(refusing)]
    asked = new TypeError('a bug')
    const evaluation = admitted('cache')
    await expect(decide(evaluation, inTime())).rejects.toBe(asked)
    expect(evaluation.fact).toBeNull()
  })

  it('is not asked for where the token was not admitted: that is a bug', () => {
    const evaluation = newEvaluation(policy, requestOf('GET /cache/org-a'), undefined)
    expect(() => decide(evaluation, inTime())).toThrow('without a token or a route')
  })
})

describe('a claim', () => {
  it('grants at once, and is verified', () => {
    expect(decide(admitted('claims'), inTime())).toBe('granted')
    expect(told).toEqual(['known claims', 'claim', 'claim granted viewer'])
  })

  it.each(['cache', 'verified', 'database'])('grants nothing on `%s`', async (freshness) => {
    expect(await decided(freshness)).toBe('granted by postgres')
    expect(told).not.toContain('claim')
  })

  it.each<[string, () => void, Readonly<Record<string, unknown>>]>([
    ['where the rules keep it out', () => void (claimMayGrant = false), {}],
    ['where nobody has room to verify it', () => void (hasRoom = false), {}],
    ['that would be refused', () => undefined, { orgRole: 'approver' }],
    ['that names no role', () => undefined, { orgRole: undefined }],
    ['that does not say when it was issued', () => undefined, { iat: undefined }],
    ['that is switched off', () => void (decide = decisionWith({ claimsMayGrant: false })), {}],
  ])('decides nothing %s', async (_title, act, claims) => {
    act()
    asked = refusing
    expect(await decided('claims', claims)).toBe('permission_denied by postgres')
    expect(told.slice(-3)).toEqual(['recall', 'known claims', 'ask claims'])
  })

  it('comes after what is known', async () => {
    known = [unverified(refusing)]
    asked = refusing
    expect(await decided('claims')).toBe('permission_denied by postgres')
    expect(told).not.toContain('claim')
  })
})

describe('the shared cache', () => {
  const entry = (fact: Fact): Fact => ({ ...fact, source: 'redis' })

  it.each<[Freshness, string[]]>([
    ['claims', ['known claims', 'claim', 'recall']],
    ['cache', ['known cache', 'recall']],
    ['verified', ['known verified', 'ask verified']],
    ['database', ['known database', 'ask database']],
  ])('is asked on `%s`, or is not', async (freshness, expected) => {
    claimMayGrant = false
    recalled = entry(granting)
    const source = expected.includes('recall') ? 'redis' : 'postgres'
    expect(await decided(freshness)).toBe(`granted by ${source}`)
    expect(told).toEqual(expected)
  })

  it('refuses nobody: PostgreSQL is asked', async () => {
    recalled = entry(refusing)
    expect(await decided('cache')).toBe('granted by postgres')
    expect(told).toEqual(['known cache', 'recall', 'ask cache'])
  })

  it('gives way to what has become known meanwhile', async () => {
    known = [undefined, verified(refusing)]
    expect(await decided('cache')).toBe('permission_denied by memory')
    known = [undefined, unverified(granting)]
    expect(await decided('cache')).toBe('granted by memory')
    known = [undefined, unverified(refusing)]
    expect(await decided('cache')).toBe('granted by postgres')
  })
})

describe('PostgreSQL', () => {
  it.each(['verified', 'database'])('decides on `%s`', async (freshness) => {
    expect(await decided(freshness)).toBe('granted by postgres')
    asked = refusing
    expect(await decided(freshness)).toBe('permission_denied by postgres')
  })

  it.each<[ErrorCode, boolean]>([
    ['FACTS_UNAVAILABLE', true],
    ['DATABASE_UNAVAILABLE', true],
    ['KEYS_UNAVAILABLE', false],
  ])('that is out of reach is an outage, and all else a bug: %s', async (code, isOutage) => {
    asked = new AppError(code, 'out of reach')
    const deciding = decided('verified')
    if (isOutage) expect(await deciding).toBe('unavailable by nobody')
    else await expect(deciding).rejects.toBe(asked)
    expect(faults).toEqual(isOutage ? [asked] : [])
  })

  it('that throws what no adapter throws is a bug, not an outage to bridge', async () => {
    asked = new TypeError('a bug')
    await expect(decided('outage')).rejects.toBe(asked)
  })
})

describe('in an outage, on `whenUnavailable: claims`, a claim', () => {
  beforeEach(() => {
    asked = down
  })

  it.each<[string, () => void, boolean]>([
    ['where nothing speaks against it', () => undefined, true],
    ['not where the pair may have changed since', () => void (unchanged = false), false],
    ['not where a newer fact refuses', () => void (newer = refusing), false],
    ['where a newer fact grants too', () => void (newer = granting), true],
    [
      'not where the user is banned by a newer fact',
      () => void (newer = factOf(['viewer'], { banned: true })),
      false,
    ],
    [
      'not where claims are switched off',
      () => void (decide = decisionWith({ claimsMayGrant: false })),
      false,
    ],
  ])('grants %s', async (_title, act, grants) => {
    act()
    expect(await decided('outage')).toBe(grants ? 'granted by claims' : 'unavailable by nobody')
    expect(faults).toEqual([down])
  })

  it('grants nothing that does not say when it was issued', async () => {
    expect(await decided('outage', { iat: undefined })).toBe('unavailable by nobody')
  })

  it('grants nothing that its role does not', async () => {
    expect(await decided('outage', { orgRole: 'approver' })).toMatch(/^unavailable/)
  })

  it('grants nothing on other routes', async () => {
    expect(await decided('verified')).toBe('unavailable by nobody')
  })

  it('is not needed where PostgreSQL answers', async () => {
    asked = refusing
    expect(await decided('outage')).toBe('permission_denied by postgres')
  })
})
