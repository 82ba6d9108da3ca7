import { isPermission } from './permission.ts'

/** Statements of Better Auth's access control: what may be done with each kind of thing. */
export type Statements = Readonly<Record<string, readonly string[]>>

/** Better Auth's access control, as it was read from the user's code. */
export interface AccessControl {
  /** What `createAccessControl` was called with, where it is known. */
  readonly statements?: Statements | undefined
  readonly roles: Readonly<Record<string, Statements>>
  readonly platformRoles: Readonly<Record<string, Statements>>
  readonly dynamicRoles: boolean
}

/** A policy without routes, to start from. */
export interface StartingPolicy {
  readonly permissions: readonly string[]
  readonly roles: Readonly<Record<string, readonly string[]>>
  readonly platformRoles: Readonly<Record<string, readonly string[]>>
  readonly dynamicRoles: boolean
}

/** The policy that grants what the access control does, or the permissions a policy cannot name. */
export function startingPolicy(
  access: AccessControl,
): StartingPolicy | { readonly unnameable: readonly string[] } {
  const roles = grantsOf(access.roles)
  const platformRoles = grantsOf(access.platformRoles)
  const permissions = [
    ...permissionsOf(access.statements ?? {}),
    ...[...Object.values(roles), ...Object.values(platformRoles)].flat(),
  ]
  const universe = [...new Set(permissions)].sort()
  const unnameable = universe.filter((permission) => !isPermission(permission))
  if (unnameable.length > 0) return { unnameable }
  return { permissions: universe, roles, platformRoles, dynamicRoles: access.dynamicRoles }
}

function grantsOf(roles: Readonly<Record<string, Statements>>): StartingPolicy['roles'] {
  const entries = Object.entries(roles).map(([role, statements]) => [
    role,
    permissionsOf(statements),
  ])
  return Object.fromEntries(entries) as StartingPolicy['roles']
}

/** `{ leave: ['read'] }` is `leave:read`, in the policy as in Better Auth's own rows. */
function permissionsOf(statements: Statements): readonly string[] {
  return Object.entries(statements).flatMap(([resource, actions]) =>
    actions.map((action) => `${resource}:${action}`),
  )
}
