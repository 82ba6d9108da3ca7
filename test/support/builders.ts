import { parsePolicyDocument, sha256 } from '../../src/adapters/files/policy-document.ts'
import { createCheck, type Check, type CheckDeps } from '../../src/application/check.ts'
import type { Deadline } from '../../src/application/deadline.ts'
import type { Facts } from '../../src/application/facts.ts'
import { createLoadPolicy } from '../../src/application/load-policy.ts'
import { factsFrom } from '../../src/application/simulate.ts'
import type { Reason } from '../../src/domain/decision.ts'
import {
  admit,
  conclude,
  concludeWithoutFact,
  decisionOf,
  enter,
  presentedToken,
  type TokenVerdict,
} from '../../src/domain/evaluate.ts'
import {
  newEvaluation,
  type Decision,
  type Evaluation,
  type Trace,
} from '../../src/domain/evaluation.ts'
import type { Fact, Pair } from '../../src/domain/fact.ts'
import type { ClaimRules, VerifiedToken } from '../../src/domain/identity.ts'
import type { Freshness, Policy } from '../../src/domain/policy.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import type { TokenVerifier } from '../../src/ports/token-verifier.ts'

/** The time at which all of these requests are made. */
export const nowMs = Date.UTC(2026, 10, 20, 12)
export const nowS = nowMs / 1000

/** Has the form of a token; what it says is told by the simulated verifier. */
export const anyToken = 'eyJh.eyJz.c2ln'
export const bearer = `Bearer ${anyToken}`
export const uncheckedRules: ClaimRules = { issuers: [], audiences: [] }

export const loadPolicy = createLoadPolicy({ parse: parsePolicyDocument, digest: sha256 })

/** The policy of a text that has to load. */
export function policyFrom(text: string): Policy {
  const loading = loadPolicy(text)
  if ('policy' in loading) return loading.policy
  throw new Error(loading.faults.map((f) => `${f.line}: ${f.path}: ${f.message}`).join('\n'))
}

/** The roles that most tests share, with the routes given as YAML flow mappings. */
export function policyWith(routes: readonly string[], top: readonly string[] = []): Policy {
  return policyFrom(
    [
      'version: 1',
      'roles:',
      '  owner: ["*"]',
      '  staff: [leave:read, leave:approve]',
      '  viewer: [leave:read]',
      '  approver: [leave:approve]',
      'platformRoles:',
      '  superadmin: ["*"]',
      '  support: [leave:read]',
      ...top,
      'routes:',
      ...routes.map((route) => `  - ${route}`),
    ].join('\n'),
  )
}

/** What a request carries beside its method and path. */
export interface RequestParts {
  readonly host?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly extensions?: Readonly<Record<string, string>>
}

/** A request from its line, as `GET /path`; it carries a bearer token unless told otherwise. */
export function requestOf(line: string, parts: RequestParts = {}): AccessRequest {
  const space = line.indexOf(' ')
  const headers = new Map(Object.entries(parts.headers ?? { authorization: bearer }))
  return {
    method: line.slice(0, space),
    path: line.slice(space + 1),
    host: parts.host ?? 'api.example.com',
    header: (name) => headers.get(name),
    extensions: new Map(Object.entries(parts.extensions ?? {})),
  }
}

/** A token of `u1` in `org-a` that holds now; a claim given as undefined is left out. */
export function tokenOf(
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): VerifiedToken {
  const usual = { sub: 'u1', organizationId: 'org-a', iat: nowS - 60, exp: nowS + 840 }
  const all: Readonly<Record<string, unknown>> = { ...usual, ...claims }
  return {
    header: { alg: 'HS256', typ: 'JWT', ...header },
    claims: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
  }
}

/** A fact of a member with these roles, or of what `parts` says. */
export function factOf(roles: readonly string[], parts: Partial<Fact> = {}): Fact {
  return {
    user: true,
    banned: false,
    rows: [roles],
    dynamic: new Map(),
    platformRoles: ['user'],
    source: 'postgres',
    verifiedAtMs: nowMs - 1000,
    ...parts,
  }
}

/** What a decision is made of, apart from the policy and the request. */
export interface World {
  readonly token?: TokenVerdict
  /** `down`: no source answers. */
  readonly fact?: Fact | 'down'
  readonly rules?: ClaimRules
  readonly claimsMayGrant?: boolean
  readonly trace?: Trace
}

/** Decides with the pure parts alone, as replay and explain do. */
export function decide(policy: Policy, request: AccessRequest, world: World = {}): Decision {
  const evaluation = newEvaluation(policy, request, world.trace)
  return decisionOf(evaluation, reasonOf(evaluation, world))
}

function reasonOf(evaluation: Evaluation, world: World): Reason {
  const entered = enter(evaluation)
  if (entered !== undefined) return entered
  const begun = presentedToken(evaluation, evaluation.request.header('authorization'))
  if ('decided' in begun) return begun.decided
  const rules = world.rules ?? uncheckedRules
  const refusal = admit(evaluation, world.token ?? tokenOf(), { rules, nowMs })
  if (refusal !== undefined) return refusal
  const fact = world.fact ?? factOf(['staff'])
  return fact === 'down'
    ? concludeWithoutFact(evaluation, { claimsMayGrant: world.claimsMayGrant ?? true })
    : conclude(evaluation, fact)
}

/** Answers as told, or as a function of its arguments tells, and counts how often it was asked. */
export interface SimulatedTokens extends TokenVerifier {
  readonly asked: string[]
}

export function simulatedTokens(
  answer: TokenVerdict | Error | TokenVerifier['verify'] = tokenOf(),
): SimulatedTokens {
  const asked: string[] = []
  return {
    asked,
    verify: async (token, caller) => {
      asked.push(token)
      if (answer instanceof Error) throw answer
      return typeof answer === 'function' ? answer(token, caller) : answer
    },
  }
}

export interface SimulatedFacts extends Facts {
  readonly asked: { readonly pair: Pair; readonly freshness: Freshness }[]
}

/** Facts of which nothing is known before they are asked for. */
export function simulatedFacts(
  answer: Fact | Error | Facts['ask'] = factOf(['staff']),
): SimulatedFacts {
  const asked: SimulatedFacts['asked'] = []
  const facts = factsFrom(async (pair, freshness, signal) => {
    asked.push({ pair, freshness })
    if (answer instanceof Error) throw answer
    return typeof answer === 'function' ? answer(pair, freshness, signal) : answer
  })
  return { ...facts, asked }
}

/** A check over simulated ports, and the faults it was told of. */
export function checkWith(deps: Partial<CheckDeps> & { readonly policy: () => Policy }): {
  readonly check: Check
  readonly faults: unknown[]
} {
  const faults: unknown[] = []
  const check = createCheck({
    tokens: simulatedTokens(),
    identities: { epoch: () => 0, get: () => undefined, set: () => undefined },
    facts: simulatedFacts(),
    rules: uncheckedRules,
    claimsMayGrant: true,
    now: () => nowMs,
    onFault: (cause) => faults.push(cause),
    ...deps,
  })
  return { check, faults }
}

/** A deadline that aborts with a signal, and is late from then on. */
export const until = (signal: AbortSignal): Deadline => ({
  isLate: () => signal.aborted,
  leftMs: () => (signal.aborted ? 0 : Infinity),
  signal: () => signal,
})

/** A deadline that never passes. */
export const inTime = (): Deadline => until(new AbortController().signal)
