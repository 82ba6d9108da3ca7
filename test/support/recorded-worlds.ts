import fc from 'fast-check'
import { createCheck } from '../../src/application/check.ts'
import type { Facts } from '../../src/application/facts.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { TokenVerdict } from '../../src/domain/evaluate.ts'
import type { Decision } from '../../src/domain/evaluation.ts'
import type { Fact, FactSource, Pair } from '../../src/domain/fact.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { recordOf, type DecisionRecord } from '../../src/domain/record.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import { inTime, nowMs, nowS, policyFrom, tokenOf, uncheckedRules } from './builders.ts'

/** Random policies, requests and subjects, for what is said of every decision there can be. */

/** Nearly always the first, so that most worlds get far and each way to fail is still tried. */
const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 14, arbitrary: fc.constant(usual) },
    ...others.map((other) => ({ weight: 1, arbitrary: fc.constant(other) })),
  )

const permissions = ['leave:read', 'leave:approve', 'leave:cancel'] as const
const roleNames = ['viewer', 'approver', 'staff', 'lead'] as const
const platformRoleNames = ['superadmin', 'support'] as const
const organizations = ['org-a', 'org-b', 'org-c'] as const

const grants = fc.uniqueArray(fc.constantFrom(...permissions, 'leave:*', '*'), { maxLength: 2 })
const tenant = fc.constantFrom(
  '{ path: organizationId }',
  '{ path: organizationId }',
  '{ path: organizationId }',
  '{ header: x-tenant }',
  '{ header: x-other }',
  '{ claim: true }',
)
const rule = fc.record({
  access: mostly('member', 'authenticated', 'public'),
  tenant: fc.oneof(fc.constant(undefined), tenant, fc.constant('none')),
  key: fc.constantFrom('permission', 'anyPermission'),
  asked: fc.subarray([...permissions], { minLength: 1, maxLength: 2 }),
  whenUnavailable: fc.constantFrom('deny', 'claims'),
  freshness: fc.constantFrom('claims', 'claims', 'claims', 'cache', 'verified', 'database'),
  mode: mostly('enforce', 'shadow', 'shadow'),
  hosts: mostly<string | undefined>(undefined, '[api.example.com]', '["*.example.com"]'),
})
const matches = [
  'GET /o/{organizationId}',
  'GET|HEAD /o/{organizationId}/{name:text}',
  'GET /o/{organizationId}/new',
  'GET /files/{organizationId}/{rest...}',
  'GET /me',
] as const
const policyParts = fc.record({
  tenant,
  dynamicRoles: fc.boolean(),
  roles: fc.record({ viewer: grants, approver: grants, staff: grants }),
  platformRoles: fc.oneof(
    fc.record({ superadmin: grants, support: grants }, { requiredKeys: [] }),
    fc.record({ superadmin: fc.constant(['*'] as const), support: grants }),
  ),
  rules: fc.tuple(
    ...matches.map(() => fc.oneof({ weight: 9, arbitrary: rule }, fc.constant(null))),
  ),
})
type Rule = typeof rule extends fc.Arbitrary<infer T> ? T : never
type PolicyParts = typeof policyParts extends fc.Arbitrary<infer T> ? T : never

function lineOf(rule: Rule, match: string, fallback: string): string {
  const open = `name: "${match.replaceAll(' ', '')}", match: "${match}", access: ${rule.access}, mode: ${rule.mode}, freshness: ${rule.freshness}`
  const hosts = rule.hosts === undefined ? '' : `, hosts: ${rule.hosts}`
  if (rule.access !== 'member') return `{ ${open}${hosts} }`
  // A route for members whose template lacks the tenant's parameter is a fault of the policy.
  const lacks = !match.includes('{organizationId}') && (rule.tenant ?? fallback).includes('path')
  const tenant = lacks ? '{ claim: true }' : rule.tenant
  const source = tenant === undefined ? '' : `, tenant: ${tenant}`
  return `{ ${open}${hosts}${source}, ${rule.key}: [${rule.asked.join(', ')}], whenUnavailable: ${rule.whenUnavailable} }`
}

function textOf({ dynamicRoles, platformRoles, roles, rules, tenant }: PolicyParts): string {
  const lists = (named: Readonly<Record<string, readonly string[]>>): string =>
    JSON.stringify(named)
  return [
    'version: 1',
    `tenant: ${tenant}`,
    `dynamicRoles: ${dynamicRoles}`,
    `roles: ${lists(roles)}`,
    `platformRoles: ${lists(platformRoles)}`,
    'routes:',
    '  - { name: any, match: GET /any, access: authenticated }',
    ...rules.flatMap((rule, index) =>
      rule === null ? [] : [`  - ${lineOf(rule, matches[index] ?? '', tenant)}`],
    ),
  ].join('\n')
}

/** A policy that loads. */
export const policies: fc.Arbitrary<Policy> = policyParts.map((parts) => policyFrom(textOf(parts)))

const organization = mostly<string>(...organizations)
const path = fc.oneof(
  { weight: 6, arbitrary: organization.map((id) => `/o/${id}`) },
  { weight: 3, arbitrary: organization.map((id) => `/o/${id}/J%C3%B6rg`) },
  { weight: 2, arbitrary: organization.map((id) => `/o/${id}/new`) },
  { weight: 2, arbitrary: organization.map((id) => `/files/${id}/a/b`) },
  { weight: 3, arbitrary: fc.constantFrom('/me', '/any', '/nowhere') },
  fc.constantFrom(
    '/o/a,b',
    '/o/%2e',
    '/o//x',
    '/o/org-a/..',
    '/o/org-a#x',
    '/o/org-a/%2F',
    '',
    'o',
    '/ö',
    '/o/\ud800',
  ),
)
const extension = mostly<Readonly<Record<string, string>>>(
  {},
  {},
  { permission: 'leave:approve' },
  { permission: 'leave:read,leave:cancel' },
  { access: 'authenticated' },
  { access: 'public' },
  { access: 'admin' },
  { permission: 'leave:read', path: '/o/{organizationId}' },
  { permission: 'leave:read', path: '/o/{organizationId}/{x:text}' },
  { permission: 'leave:read', path: '/{x}/{organizationId...}' },
  { permission: '' },
  { secret: 'x' },
)
const anyRequest = fc.record({
  method: mostly('GET', 'HEAD', 'POST', 'CONNECT', ''),
  path: fc.oneof(
    path,
    path.map((text) => `${text}?q=1`),
  ),
  host: mostly('api.example.com', 'API.example.com:443', 'other.net', 'a,b', ''),
  authorization: mostly<string | undefined>('Bearer a.b.c', undefined, 'Basic x', 'Bearer a'),
  tenant: mostly<string | undefined>('org-a', undefined, 'org-b', 'no id', 'org-a,org-a'),
  other: mostly<string | undefined>('org-a', undefined, 'org-b', 'org-b,org-b'),
  extension,
})
/** Nothing is wrong with it but, now and then, whose it is: else what comes last is rare. */
const soundRequest = fc.record({
  method: fc.constant('GET'),
  path: fc.constantFrom('org-a', ...organizations).map((id) => `/o/${id}`),
  host: fc.constant('api.example.com'),
  authorization: fc.constant('Bearer a.b.c'),
  tenant: fc.constantFrom('org-a', 'org-b'),
  other: fc.constantFrom('org-a', 'org-b'),
  extension: fc.constant<Readonly<Record<string, string>>>({}),
})
const request = fc.oneof(anyRequest, soundRequest)

const roles = fc.subarray([...roleNames, 'unknown'], { maxLength: 2 })
const token: fc.Arbitrary<TokenVerdict> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ why: 'forged' }) },
  {
    weight: 20,
    arbitrary: fc
      .record({
        organizationId: fc.oneof(
          { weight: 5, arbitrary: fc.constant<string | null>('org-a') },
          fc.constantFrom<(string | null)[]>('org-b', null),
        ),
        orgRole: fc.oneof({ weight: 6, arbitrary: roles }, fc.constant(undefined)),
        role: fc.oneof(
          fc.constant(undefined),
          fc.subarray([...platformRoleNames]),
          fc.subarray([...platformRoleNames], { minLength: 1 }),
        ),
        iat: mostly<number | undefined>(nowS - 60, undefined, nowS + 60),
        exp: mostly<number>(nowS + 60, nowS),
      })
      .map((claims) => tokenOf(claims)),
  },
)

/** What is true of the subject, in every organization. */
interface Truth {
  readonly user: boolean
  readonly banned: boolean
  readonly platformRoles: readonly string[]
  readonly rows: Readonly<Record<string, readonly (readonly string[])[]>>
  readonly dynamic: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}
const rows = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(roles) },
  { weight: 1, arbitrary: fc.array(roles, { maxLength: 2 }) },
  { weight: 1, arbitrary: fc.constant([]) },
)
const dynamic = fc.dictionary(
  fc.constantFrom('lead', 'staff', '__proto__'),
  fc.subarray([...permissions]),
)
const truth: fc.Arbitrary<Truth> = fc.record({
  user: mostly(true, false),
  banned: mostly(false, true),
  platformRoles: fc.subarray([...platformRoleNames, 'user'], { maxLength: 2 }),
  rows: fc.record({ 'org-a': rows, 'org-b': rows, 'org-c': rows }),
  dynamic: fc.record({ 'org-a': dynamic, 'org-b': dynamic, 'org-c': dynamic }),
})

/** A request, who makes it, and how the sources of facts behave. */
export const worlds = fc.record({
  request,
  token,
  truth,
  memory: fc.constantFrom(false, false, true),
  verified: fc.boolean(),
  claims: mostly(true, false),
  recall: fc.constantFrom('nothing', 'answers', 'nothing'),
  postgres: mostly('answers', 'fails', 'fails'),
  claimsMayGrant: mostly(true, false),
  loggedAllows: fc.constantFrom(1, 0.5),
})
export type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never

/** What a source would tell of a pair, whole, or as a policy without dynamic roles reads it. */
export function trueFact(truth: Truth, pair: Pair, source: FactSource, dynamic: boolean): Fact {
  const { organization } = pair
  const rows = truth.user && organization !== null ? (truth.rows[organization] ?? []) : []
  const held = new Set(rows.flat())
  const named = organization !== null && dynamic ? (truth.dynamic[organization] ?? {}) : {}
  return {
    user: truth.user,
    banned: truth.user && truth.banned,
    rows,
    dynamic: new Map(Object.entries(named).filter(([role]) => held.has(role))),
    platformRoles: truth.user ? truth.platformRoles : [],
    source,
    verifiedAtMs: nowMs - 1_500,
  }
}

function requestIn({ request }: World): AccessRequest {
  const headers = new Map<string, string | undefined>([
    ['authorization', request.authorization],
    ['x-tenant', request.tenant],
    ['x-other', request.other],
  ])
  return {
    method: request.method,
    path: request.path,
    host: request.host,
    header: (name) => headers.get(name),
    extensions: new Map(Object.entries(request.extension)),
  }
}

/** Decides as the service does, with the facts that `factOf` tells of a pair. */
async function decideWith(world: World, policy: Policy, facts: Facts, claims: boolean) {
  const faults: unknown[] = []
  const check = createCheck({
    policy: () => policy,
    tokens: { verify: () => Promise.resolve(world.token) },
    identities: { epoch: () => 0, get: () => undefined, set: () => undefined },
    facts,
    rules: uncheckedRules,
    claimsMayGrant: claims,
    now: () => nowMs,
    onFault: (cause) => faults.push(cause),
  })
  return check(requestIn(world), inTime())
}

/** Decides as the service does, with sources that may fail. */
export function decideLive(world: World, policy: Policy): Promise<Decision> {
  const { dynamicRoles } = policy.definition
  const { claimsMayGrant, truth } = world
  const tell = (pair: Pair, source: FactSource): Fact => trueFact(truth, pair, source, dynamicRoles)
  return decideWith(
    world,
    policy,
    {
      known: (pair) =>
        world.memory ? { fact: tell(pair, 'memory'), verified: world.verified } : undefined,
      claimMayGrant: () => world.claims,
      claimGranted: () => true,
      recall: (pair) =>
        Promise.resolve(world.recall === 'answers' ? tell(pair, 'redis') : undefined),
      ask: (pair) =>
        world.postgres === 'answers'
          ? Promise.resolve(tell(pair, 'postgres'))
          : Promise.reject(new AppError('FACTS_UNAVAILABLE', 'down')),
      isUnchangedSince: () => true,
      newerThan: () => undefined,
    },
    claimsMayGrant,
  )
}

/** Decides as the service does where every fact can be read: what `factOf` tells of a pair. */
export function decideWhole(
  world: World,
  policy: Policy,
  factOf: (pair: Pair) => Fact,
): Promise<Decision> {
  return decideWith(
    world,
    policy,
    {
      known: () => undefined,
      claimMayGrant: () => false,
      claimGranted: () => true,
      recall: () => Promise.resolve(undefined),
      ask: (pair) => Promise.resolve(factOf(pair)),
      isUnchangedSince: () => true,
      newerThan: () => undefined,
    },
    false,
  )
}

/** The line that a decision leaves, as it is read again. */
export function logged(decision: Decision, loggedAllows = 1): DecisionRecord {
  return JSON.parse(
    JSON.stringify(
      recordOf(decision, {
        decisionId: '01890000-0000-7000-8000-000000000000',
        nowMs,
        timestamp: new Date(nowMs).toISOString(),
        durationUs: 120,
        worker: 0,
        loggedAllows,
      }),
    ),
  ) as DecisionRecord
}
