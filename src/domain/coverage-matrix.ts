import { readExtension } from './extension.ts'
import { isMet, type Requirement } from './permission.ts'
import { routesOf } from './coverage-requests.ts'
import type { Access, Policy, RouteDefinition } from './policy.ts'

/** Who may call one route. */
export interface MatrixRow {
  /** Where the rule stands: in the policy, or in Envoy's own route of that name. */
  readonly source: 'policy' | 'envoy'
  readonly route: string
  readonly match: string
  readonly hosts: readonly string[]
  readonly access: Access
  readonly requirement: Requirement
  /** `none`: only platform roles open it. */
  readonly tenant: 'member' | 'none'
  /** `shadow`: whoever is refused passes all the same. */
  readonly mode: 'enforce' | 'shadow'
  /** Whether a member of the tenant with this role alone may call it. */
  readonly roles: Readonly<Record<string, boolean>>
  /** Whether a user with this platform role alone may call it. */
  readonly platform_roles: Readonly<Record<string, boolean>>
  /** Whether anybody may: `combined`, where only several roles together may. */
  readonly callable: 'yes' | 'combined' | 'no'
}

/** A permission that some route asks for, or that is declared, and that no role grants. */
export interface UngrantedPermission {
  readonly permission: string
  /** The routes that ask for it. */
  readonly routes: readonly string[]
  /** Set where roles grant it, but the routes are open to platform roles alone. */
  readonly why: string
}

/** What a role grants and no route asks for. */
export interface UnaskedGrant {
  readonly role: string
  readonly scope: 'organization' | 'platform'
  readonly permissions: readonly string[]
}

/** A rule that Envoy's own route carries. */
export interface GatewayRule {
  readonly name: string
  readonly match: string
  readonly hosts: readonly string[]
  readonly extensions: ReadonlyMap<string, string>
}

/** Who can call what: each route of the policy, then each rule of Envoy's own routes. */
export function matrixOf(policy: Policy, rules: readonly GatewayRule[]): readonly MatrixRow[] {
  return [
    ...routesOf(policy).map(({ definition }) =>
      rowOf(policy, {
        source: 'policy',
        route: definition.name,
        match: definition.match,
        hosts: definition.hosts ?? [],
        access: definition.access,
        requirement: requirementOf(definition),
        tenant: definition.tenant === 'none' ? 'none' : 'member',
        mode: definition.mode,
      }),
    ),
    ...rules.flatMap(({ extensions, hosts, match, name }) => {
      const rule = readExtension(extensions)
      if (rule === null || 'why' in rule) return []
      const { access, requirement } = rule
      const tenant = 'member'
      const mode = 'enforce'
      return [
        rowOf(policy, {
          ...{ source: 'envoy', route: name, match, hosts, access, requirement, tenant, mode },
        }),
      ]
    }),
  ]
}

function rowOf(
  policy: Policy,
  row: Omit<MatrixRow, 'roles' | 'platform_roles' | 'callable'>,
): MatrixRow {
  const mayWith = (roles: readonly ReadonlySet<string>[]): boolean =>
    row.access !== 'member' ||
    isMet(row.requirement, (permission) => roles.some((held) => held.has(permission)))
  const ofMembers = row.access !== 'member' || row.tenant === 'member'
  const cells = (roles: Policy['roles'], open: boolean): Readonly<Record<string, boolean>> =>
    Object.fromEntries([...roles].map(([role, held]) => [role, open && mayWith([held])]))
  const roles = cells(policy.roles, ofMembers)
  const platformRoles = cells(policy.platformRoles, true)
  const alone = [...Object.values(roles), ...Object.values(platformRoles)].includes(true)
  const together = mayWith([
    ...(ofMembers ? policy.roles.values() : []),
    ...policy.platformRoles.values(),
  ])
  return {
    ...row,
    roles,
    platform_roles: platformRoles,
    callable: alone || row.access !== 'member' ? 'yes' : together ? 'combined' : 'no',
  }
}

function requirementOf(route: RouteDefinition): Requirement {
  return {
    quantifier: route.anyPermission === undefined ? 'all' : 'any',
    permissions: route.anyPermission ?? route.permission ?? [],
  }
}

/** Permissions that no role grants: what asks for them is refused to everybody. */
export function ungrantedPermissions(
  policy: Policy,
  matrix: readonly MatrixRow[],
): readonly UngrantedPermission[] {
  const byPlatform = union(policy.platformRoles)
  const byAnyone = new Set([...union(policy.roles), ...byPlatform])
  const asked = Map.groupBy(
    matrix.flatMap((row) => row.requirement.permissions.map((permission) => ({ permission, row }))),
    ({ permission }) => permission,
  )
  return [...new Set([...policy.universe, ...asked.keys()])].sort().flatMap((permission) => {
    const rows = (asked.get(permission) ?? []).map(({ row }) => row)
    const lacking = rows.filter(
      ({ tenant }) => !(tenant === 'none' ? byPlatform : byAnyone).has(permission),
    )
    if (byAnyone.has(permission) && lacking.length === 0) return []
    return [{ permission, routes: lacking.map(({ route }) => route), why: whyUngranted() }]
    function whyUngranted(): string {
      if (byAnyone.has(permission))
        return 'only organization roles grant it, and tenant: none takes platform roles'
      const dynamic = policy.definition.dynamicRoles ? ', unless a dynamic role does' : ''
      return `no role grants it${dynamic}${rows.length === 0 ? ', and no route asks for it' : ''}`
    }
  })
}

/** What roles grant without any route asking for it. */
export function unaskedGrants(
  policy: Policy,
  matrix: readonly MatrixRow[],
): readonly UnaskedGrant[] {
  const asked = new Set(matrix.flatMap(({ requirement }) => requirement.permissions))
  const of = (roles: Policy['roles'], scope: UnaskedGrant['scope']): readonly UnaskedGrant[] =>
    [...roles].flatMap(([role, held]) => {
      const permissions = [...held].filter((permission) => !asked.has(permission)).sort()
      return permissions.length === 0 ? [] : [{ role, scope, permissions }]
    })
  return [...of(policy.roles, 'organization'), ...of(policy.platformRoles, 'platform')]
}

function union(roles: Policy['roles']): ReadonlySet<string> {
  return new Set([...roles.values()].flatMap((held) => [...held]))
}
