import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { effectivePermissions } from '../../src/domain/effective-permissions.ts'
import type { Fact } from '../../src/domain/fact.ts'
import { decide, factOf, policyFrom, requestOf } from '../support/builders.ts'

const all = [
  'leave:approve',
  'leave:read',
  'member:read',
  'pay:read',
  'x:dynamic',
  '__proto__:read',
]

const policy = (dynamicRoles: boolean) =>
  policyFrom(
    [
      'version: 1',
      'tenant: { path: organizationId }',
      'roles:',
      '  owner: ["*"]',
      '  admin: ["leave:*", member:read]',
      '  staff: [leave:read]',
      '  __proto__: [pay:read]',
      'platformRoles:',
      '  superadmin: ["*"]',
      '  support: [member:read]',
      '  constructor: [pay:read]',
      `dynamicRoles: ${dynamicRoles}`,
      'routes:',
      ...all.map(
        (one, index) =>
          `  - { name: r${index}, match: "GET /${one}/{organizationId}", permission: "${one}" }`,
      ),
    ].join('\n'),
  )
const plain = policy(false)
const dynamic = policy(true)
const policies = [plain, dynamic]

describe('the effective permissions', () => {
  it.each<[string, Partial<Fact>, readonly string[]]>([
    ['of a member: what its roles grant', { rows: [['staff']] }, ['leave:read']],
    [
      'of several roles: what any grants',
      { rows: [['staff', '__proto__']] },
      ['leave:read', 'pay:read'],
    ],
    [
      'of wildcards: what they stand for',
      { rows: [['admin']] },
      ['leave:approve', 'leave:read', 'member:read'],
    ],
    [
      'of several rows: what every row grants',
      { rows: [['admin'], ['staff', '__proto__']] },
      ['leave:read'],
    ],
    ['of a row without roles: none', { rows: [['owner'], []] }, []],
    ['of an unknown role: none', { rows: [['toString', 'constructor']] }, []],
    ['of a stranger: none', { rows: [] }, []],
    [
      'of a platform role, member or not',
      { rows: [], platformRoles: ['support'] },
      ['member:read'],
    ],
    [
      'of a platform role and a membership: both',
      { rows: [['staff'], ['staff', 'owner']], platformRoles: ['support', 'constructor'] },
      ['leave:read', 'member:read', 'pay:read'],
    ],
    [
      'of a banned owner: none',
      { rows: [['owner']], platformRoles: ['superadmin'], banned: true },
      [],
    ],
    ['of no user: none', { user: false, rows: [['owner']], platformRoles: ['superadmin'] }, []],
  ])('%s', (_title, parts, permissions) => {
    for (const policy of policies) {
      expect(effectivePermissions(policy, factOf([], parts))).toEqual(permissions)
    }
  })

  it('hold a dynamic role only where the policy heeds them', () => {
    const fact = factOf(['staff', 'made'], {
      dynamic: new Map([
        ['made', ['z:z']],
        ['other', ['pay:read']],
      ]),
    })
    expect(effectivePermissions(plain, fact)).toEqual(['leave:read'])
    expect(effectivePermissions(dynamic, fact)).toEqual(['leave:read', 'z:z'])
  })

  it('are those that a check lets through, sorted and distinct', () => {
    const role = fc.constantFrom(
      'owner',
      'admin',
      'staff',
      '__proto__',
      'constructor',
      'made',
      'no',
    )
    const platformRole = fc.constantFrom(
      'superadmin',
      'support',
      'constructor',
      '__proto__',
      'user',
    )
    const facts = fc.record({
      user: fc.boolean().map((no) => !no),
      banned: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      rows: fc.array(fc.array(role, { maxLength: 3 }), { maxLength: 3 }),
      dynamic: fc
        .array(fc.tuple(role, fc.subarray(all)), { maxLength: 4 })
        .map((entries) => new Map(entries)),
      platformRoles: fc.array(platformRole, { maxLength: 2 }),
    })
    fc.assert(
      fc.property(facts, fc.constantFrom(...policies), (parts, policy) => {
        const fact = factOf([], parts)
        const permissions = effectivePermissions(policy, fact)
        expect(permissions).toEqual([...new Set(permissions)].sort())
        const letThrough = all.filter(
          (one) => decide(policy, requestOf(`GET /${one}/org-a`), { fact }).reason === 'granted',
        )
        expect(permissions).toEqual(letThrough.sort())
      }),
      { numRuns: 500 },
    )
  })
})
