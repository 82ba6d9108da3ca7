import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Decision, Trace } from '../../src/domain/evaluation.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { decide, factOf, nowS, policyFrom, requestOf, tokenOf } from '../support/builders.ts'
import { referenceDecision } from '../support/reference-decision.ts'

/** Nearly always the first, so that most worlds get far and each way to fail is still tried. */
const mostly = <T>(usual: fc.Arbitrary<T>, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: usual }, ...others.map((other) => fc.constant(other)))

const permissions = ['leave:read', 'leave:approve', 'shift:read'] as const
const grants = fc.subarray([...permissions, 'leave:*', '*'], { maxLength: 2 })

/** Literals that begin alike, alone at a place, few there and many. */
const literals = ['o', 'or', 'org', 'org-a', 'a.b', 'x', 'y', 'list']
const templates = [
  ...['/', '/o/', '/api/v1/o', '/api/v1/o/list', '/api/v1/or/list/all', '/api/v2/{organizationId}'],
  ...['/o/{organizationId}', '/o/{organizationId}/', '/o/{organizationId}/list', '/o/{p}/org-a'],
  ...['/{p}/{organizationId}', '/{p:text}/{organizationId}/y', '/t/{organizationId:text}'],
  ...['/t/{organizationId:text}/{p:text}', '/{organizationId}/{rest...}', '/f/{organizationId...}'],
  ...['/{p}/x/{organizationId...}', '/{p}', '/{p:text}', '/{rest...}'],
  ...literals.map((literal) => `/${literal}`),
  ...literals.map((literal) => `/m/${literal}/{organizationId}`),
]

const rule = fc.record({
  methods: fc.constantFrom('GET', 'GET|POST'),
  access: mostly(fc.constant('member'), 'authenticated', 'public'),
  tenant: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    fc.constantFrom('none', '{ claim: true }', '{ header: x-tenant }'),
  ),
  key: fc.constantFrom('permission', 'anyPermission'),
  asked: fc.subarray([...permissions], { minLength: 1, maxLength: 2 }),
  mode: mostly(fc.constant('enforce'), 'shadow'),
  hosts: mostly<string | undefined>(fc.constant(undefined), '[a.test]', '["*.test"]', '[b.a.test]'),
})

const policies = fc
  .record({
    rules: fc.uniqueArray(fc.tuple(fc.constantFrom(...templates), rule), {
      // Two routes with equal precedence are a fault of a policy.
      selector: ([template]) => template.replaceAll(/\{\w+/g, '{'),
      minLength: 1,
      maxLength: 30,
      size: 'max',
    }),
    dynamicRoles: fc.boolean(),
    roles: fc.record({ staff: grants, viewer: grants }),
    platformRoles: fc.record({ root: grants, support: grants }, { requiredKeys: [] }),
  })
  .map(({ dynamicRoles, platformRoles, roles, rules }) =>
    policyFrom(
      [
        'version: 1',
        `dynamicRoles: ${dynamicRoles}`,
        `permissions: [${permissions.join(', ')}]`,
        `roles: ${JSON.stringify(roles)}`,
        `platformRoles: ${JSON.stringify(platformRoles)}`,
        'routes:',
        ...rules.map(([template, parts], index) => lineOf(template, parts, index)),
      ].join('\n'),
    ),
  )

function lineOf(
  template: string,
  parts: typeof rule extends fc.Arbitrary<infer T> ? T : never,
  index: number,
): string {
  const { asked, hosts, key, methods, mode } = parts
  // The tenant of a route for members is one segment.
  const access = template.includes('{organizationId...}') ? 'authenticated' : parts.access
  const open = `name: r${index}, match: "${methods} ${template}", access: ${access}, mode: ${mode}`
  const onHosts = hosts === undefined ? '' : `, hosts: ${hosts}`
  if (access !== 'member') return `  - { ${open}${onHosts} }`
  const lacks = parts.tenant === undefined && !template.includes('{organizationId')
  const tenant = lacks ? '{ claim: true }' : parts.tenant
  const source = tenant === undefined ? '' : `, tenant: ${tenant}`
  return `  - { ${open}${onHosts}${source}, ${key}: [${asked.join(', ')}] }`
}

const segment = fc.constantFrom(
  ...['org-a', 'org-a', 'org-a', 'org-b', 'x', 'o', 'y', 'list', 'a,b', 'org%2Da', '%41', '%2F'],
  ...['%zz', '.', '..', '...', '', 'a;b', 'a#b', 'a\\b', 'ä', '"', 'p'.repeat(256)],
)
const path = fc
  .tuple(fc.constantFrom(...templates), fc.array(segment, { minLength: 3, maxLength: 3 }))
  .map(([template, [one = '', two = '', three = '']]) =>
    template
      .replace(/\{p[^}]*\}/, one)
      .replace(/\{organizationId[^}]*\}/, two)
      .replace(/\{rest[^}]*\}/, three),
  )
const target = fc
  .tuple(path, mostly(fc.constant(''), '?q=1', '?a/b', '/', '/extra', '/a/b?c', 'x'))
  .map(([text, end]) => text + end)
const oddTarget = fc.constantFrom('', '?', 'o', '*', '//', '/o//x', `/${'a/'.repeat(5_000)}`)

const extensions = mostly<Readonly<Record<string, string>>>(
  fc.constant({}),
  { permission: 'leave:read' },
  { permission: 'leave:read,leave:read,leave:approve' },
  { permission: 'leave:approve', path: '/o/{organizationId}' },
  { permission: 'leave:approve', path: '/{p:text}/{organizationId:text}' },
  { access: 'public' },
  { access: 'authenticated' },
  { access: 'nobody' },
  { unheeded: 'x' },
)
const worlds = fc.record({
  method: mostly(fc.constantFrom('GET', 'POST'), 'PUT', 'CONNECT', ''),
  target: fc.oneof({ weight: 15, arbitrary: target }, oddTarget),
  host: fc.constantFrom('a.test', 'B.a.test:80', 'c.b.a.test.', 'other', '', 'a,b'),
  authorization: mostly(fc.constant('Bearer a.b.c'), 'bearer  a.b.c ', 'Basic x', 'Bearer a', ''),
  tenant: mostly<string | undefined>(fc.constant('org-a'), undefined, 'org-b', 'no id', 'a,b'),
  extensions,
  claims: fc.record({
    organizationId: mostly<string | null>(fc.constant('org-a'), 'org-b', null),
    exp: mostly(fc.constant(nowS + 60), nowS),
  }),
  fact: fc.record({
    user: mostly(fc.constant(true), false),
    banned: mostly(fc.constant(false), true),
    rows: fc.array(fc.subarray(['staff', 'viewer', 'lead']), { maxLength: 2 }),
    dynamic: fc.constantFrom(new Map(), new Map([['lead', ['leave:read', 'shift:read']]])),
    platformRoles: fc.subarray(['root', 'support', 'user']),
  }),
})
type World = typeof worlds extends fc.Arbitrary<infer T> ? T : never

/** All that a decision came to and rested on; routes by their names, as two makers know them. */
function outcomeOf({ evaluation, passes, reason }: Decision, steps: readonly string[]) {
  const { fact, guards, identity, path, settings, tenancy } = evaluation
  const { mismatch, pair, tenant } = tenancy ?? {}
  const where = { mismatch, tenant, user: pair?.user, organization: pair?.organization }
  return { reason, passes, path, route: settings?.name, guards, identity, where, fact, steps }
}

function bothOutcomes(policy: Policy, world: World) {
  const { authorization, extensions, host, method, target, tenant } = world
  const headers = { authorization, ...(tenant !== undefined && { 'x-tenant': tenant }) }
  const request = requestOf(`${method} ${target}`, { host, headers, extensions })
  const subject = { token: tokenOf(world.claims), fact: factOf([], world.fact) }
  const told = (by: typeof referenceDecision) => {
    const steps: string[] = []
    const trace: Trace = (step, outcome, detail) => steps.push(`${step} ${outcome}: ${detail}`)
    return outcomeOf(by(policy, request, { ...subject, trace }), steps)
  }
  const silent = outcomeOf(decide(policy, request, subject), [])
  return { expected: told(referenceDecision), actual: told(decide), silent }
}

it('every decision comes out as the straightforward one, step by step', () => {
  const seen = new Map<string, number>()
  fc.assert(
    fc.property(
      policies,
      fc.array(worlds, { minLength: 40, maxLength: 40 }),
      (policy, requests) => {
        for (const world of requests) {
          const { actual, expected, silent } = bothOutcomes(policy, world)
          expect(actual).toEqual(expected)
          expect(silent).toEqual({ ...expected, steps: [] })
          const kind = `${expected.reason}${expected.passes ? ', passes' : ''}`
          seen.set(kind, (seen.get(kind) ?? 0) + 1)
        }
      },
    ),
    { numRuns: 300 },
  )
  for (const kind of [
    ...['granted, passes', 'bad_request', 'ambiguous_path', 'no_route', 'missing_credential'],
    ...['malformed_credential', 'expired_token', 'tenant_mismatch', 'unknown_user', 'banned'],
    ...['not_a_member', 'permission_denied', 'permission_denied, passes'],
  ]) {
    expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(5)
  }
}, 60_000)
