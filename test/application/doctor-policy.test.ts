import { describe, expect, it } from 'vitest'
import { examinePolicy } from '../../src/application/doctor-policy.ts'
import { policyWith } from '../support/builders.ts'
import { complaints, findingOf } from '../support/doctor.ts'

describe('the policy', () => {
  const examine = (routes: readonly string[], top: readonly string[] = [], claimsMayGrant = true) =>
    examinePolicy({
      ...{ file: 'policy.yaml', faults: [], claimsMayGrant },
      policy: policyWith(routes, top),
    })
  const route = (more: string, name = 'a'): string =>
    `{ name: ${name}, match: 'GET /${name}/{organizationId}', ${more} }`

  it.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['nothing', [route('permission: leave:read')], [], []],
    ['a public route', ['{ name: h, match: GET /h, access: public }'], [], []],
    ['shadow', [route('permission: leave:read, mode: shadow')], [], ['warn policy.shadow']],
    [
      'claims',
      [route('permission: leave:read, whenUnavailable: claims')],
      [],
      ['warn policy.when_unavailable'],
    ],
  ])('%s', (_title, routes, top, expected) => {
    expect(complaints(examine(routes, top))).toEqual(expected)
  })

  /** Without wildcards, which grant whatever a route names. */
  const strict = (more: string, top: readonly string[] = []) =>
    examinePolicy({
      ...{ file: 'policy.yaml', faults: [], claimsMayGrant: true },
      policy: policyWithout(more, top),
    })

  it.each([
    ['a permission of no role', 'permission: report:export', true],
    ['two permissions of different roles', 'permission: [leave:read, leave:approve]', false],
    ['two permissions, one of no role', 'permission: [leave:read, report:export]', true],
    ['one of two is enough', 'anyPermission: [leave:read, report:export]', false],
    [
      'a permission of organization roles on a platform route',
      'permission: leave:approve, tenant: none',
      true,
    ],
    ['a permission of a platform role there', 'permission: leave:read, tenant: none', false],
  ])('%s', (_title, more, complains) => {
    const finding = findingOf(strict(more), 'policy.ungranted')
    expect([finding.status, finding.message.includes('r1')]).toEqual([
      complains ? 'warn' : 'ok',
      complains,
    ])
  })

  it('dynamic roles may grant it', () => {
    const finding = findingOf(
      strict('permission: report:export', ['dynamicRoles: true']),
      'policy.ungranted',
    )
    expect([finding.status, finding.message]).toEqual([
      'ok',
      'only dynamic roles can open r1 (report:export)',
    ])
  })

  it('whenUnavailable is not heeded with deny-only', () => {
    const findings = examine([route('permission: leave:read, whenUnavailable: claims')], [], false)
    expect(complaints(findings)).toEqual([])
  })

  it('faults are listed', () => {
    const findings = examinePolicy({
      ...{ file: 'p.yaml', policy: undefined, claimsMayGrant: true },
      faults: ['3:5: a', '4:1: b'],
    })
    expect(complaints(findings)).toEqual(['error policy.loads'])
    expect(findings[0]?.message).toBe('p.yaml: 3:5: a, 4:1: b')
  })
})

function policyWithout(more: string, top: readonly string[]) {
  const policy = policyWith([`{ name: r1, match: 'GET /r1/{organizationId}', ${more} }`], top)
  const without = (roles: ReadonlyMap<string, ReadonlySet<string>>, dropped: string) =>
    new Map([...roles].filter(([role]) => role !== dropped))
  return {
    ...policy,
    roles: without(policy.roles, 'owner'),
    platformRoles: without(policy.platformRoles, 'superadmin'),
  }
}
