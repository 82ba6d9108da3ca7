import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalText } from '../../src/domain/compile-policy.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { loadPolicy, policyFrom } from '../support/builders.ts'

const text = `
version: 1
roles:
  owner: ["*"]
  staff: [leave:read, leave:approve]
routes:
  - name: a
    match: GET|HEAD /o/{organizationId}/leave
    permission: [leave:read, leave:approve]
  - { name: b, match: GET /me, access: authenticated, hosts: [b.com, '*.a.com'] }
`

const versionOf = (policy: string): string => policyFrom(policy).version

it('a version is sha256: and 16 hex digits', () => {
  expect(versionOf(text)).toMatch(/^sha256:[0-9a-f]{16}$/)
})

describe('a version stays', () => {
  const changed = (from: string, to: string): string => {
    expect(text).toContain(from)
    return text.replace(from, to)
  }
  it.each([
    ['with comments', `# a comment\n${text}# another\n`],
    ['with empty lines', text.replaceAll('\n', '\n\n')],
    ['with Windows line ends', text.replaceAll('\n', '\r\n')],
    ['with a byte order mark', `\ufeff${text.trimStart()}`],
    [
      'with roles in another order',
      changed(
        '  owner: ["*"]\n  staff: [leave:read, leave:approve]',
        '  staff: [leave:read, leave:approve]\n  owner: ["*"]',
      ),
    ],
    [
      'with permissions in another order',
      changed('staff: [leave:read, leave:approve]', 'staff: [leave:approve, leave:read]'),
    ],
    ['with a permission twice', changed('staff: [leave:read', 'staff: [leave:read, leave:read')],
    [
      'with asked permissions in another order',
      changed('permission: [leave:read, leave:approve]', 'permission: [leave:approve, leave:read]'),
    ],
    ['with methods in another order', changed('GET|HEAD', 'HEAD|GET')],
    ['with a method twice', changed('GET|HEAD', 'GET|HEAD|GET')],
    ['with more space in a match', changed('HEAD /o', 'HEAD   /o')],
    ['with hosts in another order and case', changed("[b.com, '*.a.com']", "['*.A.com', B.com]")],
    ['with keys in another order', changed('name: b, match: GET /me', 'match: GET /me, name: b')],
    [
      'with defaults written out',
      changed('name: b,', 'name: b, freshness: claims, mode: enforce,'),
    ],
    [
      'with top-level defaults written out',
      `${text}tenant: { path: organizationId }\ndynamicRoles: false\nplatformRoles: {}\n`,
    ],
    ['with the default headers written out', `${text}headers: { userId: X-User-Id }\n`],
    [
      'with anchors',
      changed(
        'staff: [leave:read, leave:approve]',
        'staff: &s [leave:read, leave:approve]',
      ).replace('permission: [leave:read, leave:approve]', 'permission: *s'),
    ],
  ])('%s', (_title, policy) => {
    expect(versionOf(policy)).toBe(versionOf(text))
  })

  it('with the routes in another order, and as JSON', () => {
    const { definition } = policyFrom(text)
    const routes = definition.routes.toReversed()
    expect(versionOf(JSON.stringify({ ...definition, routes }))).toBe(versionOf(text))
    expect(versionOf(JSON.stringify({ ...definition, routes }, null, '\t'))).toBe(versionOf(text))
  })
})

describe('a version changes', () => {
  it.each([
    [
      'with another permission of a role',
      'staff: [leave:read, leave:approve]',
      'staff: [leave:read]',
    ],
    ['with another name of a role', 'staff:', 'Staff:'],
    [
      'with another asked permission',
      'permission: [leave:read, leave:approve]',
      'permission: leave:read',
    ],
    ['with one of the permissions enough', 'permission: [', 'anyPermission: ['],
    ['with another method', 'GET|HEAD', 'GET|PUT'],
    ['with another literal', '/leave', '/Leave'],
    ['with a trailing slash', '/leave', '/leave/'],
    ['with another kind of parameter', '{organizationId}', '{organizationId:text}'],
    ['with another access', 'access: authenticated', 'access: public'],
    ['with other hosts', '[b.com, ', '[c.com, '],
    ['with a freshness', 'name: b,', 'name: b, freshness: database,'],
    ['with shadow mode', 'name: b,', 'name: b, mode: shadow,'],
    [
      'with another tenant',
      'version: 1',
      'version: 1\ntenant: { path: organizationId }\nheaders: { userId: x-u }',
    ],
    ['with dynamic roles', 'version: 1', 'version: 1\ndynamicRoles: true'],
    [
      'with declared permissions',
      'version: 1',
      'version: 1\npermissions: [leave:read, leave:approve]',
    ],
    ['with a platform role', 'version: 1', 'version: 1\nplatformRoles: { staff: [leave:read] }'],
    ['with another name of a route', 'name: a', 'name: c'],
  ])('%s', (_title, from, to) => {
    expect(text).toContain(from)
    expect(versionOf(text.replace(from, to))).not.toBe(versionOf(text))
  })
})

describe('a canonical form', () => {
  const again = (policy: Policy): Policy => policyFrom(canonicalText(policy.definition))

  it.each([
    ['of a plain policy', text],
    ['of an empty policy', 'version: 1'],
    [
      'of every option',
      `
version: 1
tenant: { header: X-Tenant }
permissions: [leave:read, x:y]
dynamicRoles: true
headers: { userId: x-u }
upstreams: { z: http://z:1, a: http://a:2 }
defaultUpstream: a
roles: { '10': [x:y], '9': [leave:read], b: ['leave:*'] }
platformRoles: { root: ['*'] }
routes:
  - name: r
    match: PUT /{a}/{b:text}/{c...}
    anyPermission: [x:y, leave:read]
    tenant: none
    hosts: ['*.a.com']
    freshness: verified
    whenUnavailable: claims
    mode: shadow
    upstream: z
    description: a text`,
    ],
    [
      'of roles that objects have',
      `
version: 1
roles: { __proto__: [leave:read], constructor: ['*'], toString: [x:y] }
platformRoles: { __proto__: [x:y] }`,
    ],
  ])('%s validates again, to the same version and form', (_title, policy) => {
    const first = policyFrom(policy)
    expect(again(first).version).toBe(first.version)
    expect(canonicalText(again(first).definition)).toBe(canonicalText(first.definition))
    expect([...again(first).roles]).toEqual([...first.roles])
    expect([...again(first).platformRoles]).toEqual([...first.platformRoles])
  })

  it('has one text, in whatever order its keys come', () => {
    const { definition } = policyFrom(text)
    const turned = Object.fromEntries(Object.entries(definition).reverse()) as typeof definition
    expect(canonicalText(turned)).toBe(canonicalText(definition))
    expect(canonicalText(definition)).not.toContain('\n')
  })

  it('of any policy that loads validates again to the same version', () => {
    const permission = fc.constantFrom('a:b', 'a:c', 'x', '*', 'a:*')
    const roleName = fc.constantFrom(
      'r',
      '1',
      '__proto__',
      'constructor',
      'ü',
      'a b',
      'true',
      'null',
    )
    const roles = fc
      .array(fc.tuple(roleName, fc.array(permission)))
      .map((entries) => Object.fromEntries(entries))
    const route = fc.record({
      match: fc.constantFrom('GET /a/{o}', 'PUT|GET /{o:text}', 'POST /{o}/{r...}', 'GET /'),
      access: fc.constantFrom('public', 'authenticated'),
      description: fc.string({ minLength: 1 }),
      freshness: fc.constantFrom('claims', 'database'),
    })
    let loaded = 0
    fc.assert(
      fc.property(
        roles,
        roles,
        fc.array(route, { maxLength: 3 }),
        (roles, platformRoles, routes) => {
          const named = routes.map((one, index) => ({ ...one, name: `r${index}` }))
          const loading = loadPolicy(
            JSON.stringify({ version: 1, roles, platformRoles, routes: named }),
          )
          if (!('policy' in loading)) return
          loaded++
          expect(again(loading.policy).version).toBe(loading.policy.version)
        },
      ),
      { numRuns: 500 },
    )
    expect(loaded).toBeGreaterThan(100)
  })
})

describe('a compiled policy', () => {
  it('resolves wildcards over every permission that the file names', () => {
    const policy = policyFrom(`
version: 1
roles: { all: ['*'], leave: ['leave:*'], plain: [leave:read] }
platformRoles: { root: ['*', z:z] }
routes: [{ name: a, match: 'GET /{organizationId}', anyPermission: [leave:approve, pay:read] }]`)
    expect(policy.universe).toEqual(['leave:approve', 'leave:read', 'pay:read', 'z:z'])
    expect([...(policy.roles.get('all') ?? [])]).toEqual(policy.universe)
    expect([...(policy.roles.get('leave') ?? [])]).toEqual(['leave:approve', 'leave:read'])
    expect(policy.platformRoles.get('root')).toEqual(new Set(policy.universe))
  })

  it('resolves wildcards over the declared permissions where there are any', () => {
    const policy = policyFrom(`
version: 1
permissions: [leave:read, never:asked]
roles: { all: ['*'] }`)
    expect([...(policy.roles.get('all') ?? [])]).toEqual(['leave:read', 'never:asked'])
  })

  it('knows roles by their own names alone', () => {
    const policy = policyFrom("version: 1\nroles: { __proto__: ['*'], constructor: [a:b] }")
    expect([...policy.roles.keys()].sort()).toEqual(['__proto__', 'constructor'])
    expect(policy.roles.get('toString')).toBeUndefined()
  })

  it('names the headers that tenants are read from', () => {
    const policy = policyFrom(`
version: 1
tenant: { header: X-Tenant }
routes:
  - { name: a, match: GET /a, permission: a:b }
  - { name: b, match: GET /b, permission: a:b, tenant: { header: x-other } }
  - { name: c, match: GET /c, permission: a:b, tenant: { claim: true } }`)
    expect([...policy.tenantHeaders].sort()).toEqual(['x-other', 'x-tenant'])
  })
})
