import { CompiledRoute } from './compiled-route.ts'
import { isWildcard, resolveGrants, type Requirement } from './permission.ts'
import type {
  PathTenant,
  Policy,
  PolicyDefinition,
  TenantDefinition,
  TenantSource,
} from './policy.ts'
import { compileRoutes, type RouteConflict } from './route-table.ts'
import type { ValidatedRoute } from './validate-route.ts'

/** Compiles validated routes and grants; what conflicts is reported, not resolved. */
export function compilePolicy(
  definition: PolicyDefinition,
  routes: readonly ValidatedRoute[],
): {
  readonly compile: (version: string) => Policy
  readonly conflicts: readonly RouteConflict<CompiledRoute>[]
} {
  const shared = { requirements: sharing<Requirement>(), tenants: sharing<TenantSource>() }
  const compiled = routes.map((route) => compileRoute(route, definition.tenant, shared))
  const { table, conflicts } = compileRoutes(compiled)
  const universe = universeOf(definition)
  const resolve = (roles: PolicyDefinition['roles']): ReadonlyMap<string, ReadonlySet<string>> =>
    new Map(Object.entries(roles).map(([role, grants]) => [role, resolveGrants(grants, universe)]))
  const roles = resolve(definition.roles)
  const platformRoles = resolve(definition.platformRoles)
  const tenantHeaders = new Set<string>()
  for (const { tenant } of compiled) if (tenant.kind === 'header') tenantHeaders.add(tenant.name)
  return {
    conflicts,
    compile: (version) => ({
      version,
      definition,
      routes: table,
      roles,
      platformRoles,
      platformPermissions: new Set([...platformRoles.values()].flatMap((held) => [...held])),
      universe,
      tenantHeaders: [...tenantHeaders],
    }),
  }
}

function compileRoute(
  route: ValidatedRoute,
  fallback: TenantDefinition,
  shared: { readonly requirements: Share<Requirement>; readonly tenants: Share<TenantSource> },
): CompiledRoute {
  const { definition, template } = route
  const { anyPermission, permission } = definition
  const requirement: Requirement = {
    quantifier: anyPermission === undefined ? 'all' : 'any',
    permissions: anyPermission ?? permission ?? [],
  }
  const tenant = tenantSource(definition.tenant ?? fallback, template)
  return new CompiledRoute(route, shared.requirements(requirement), shared.tenants(tenant))
}

type Share<T> = (value: T) => T

/**
 * Gives the same object for all values that say the same. Many routes ask for the same permission at the same
 * place: what they share is in the processor's cache, and a hundred thousand of their own are not.
 */
function sharing<T>(): Share<T> {
  const known = new Map<string, T>()
  return (value) => {
    const key = JSON.stringify(value)
    const same = known.get(key)
    if (same === undefined) known.set(key, value)
    return same ?? value
  }
}

/**
 * Where a route's tenant is read. A route that is open to non-members may lack the parameter; only
 * Envoy's own route policy can then ask for a tenant there, and it is the token's.
 */
function tenantSource(
  tenant: TenantDefinition | 'none',
  template: ValidatedRoute['template'],
): TenantSource {
  if (tenant === 'none') return { kind: 'none' }
  if ('header' in tenant) return { kind: 'header', name: tenant.header }
  if ('claim' in tenant) return { kind: 'claim' }
  const place = placeOf(tenant.path, template)
  return place === undefined ? { kind: 'claim' } : { kind: 'path', parameter: tenant.path, place }
}

function placeOf(
  parameter: string,
  { segments }: ValidatedRoute['template'],
): PathTenant['place'] | undefined {
  let offset = 1
  for (const [index, segment] of segments.entries()) {
    if (segment.kind === 'literal') {
      if (offset !== -1) offset += segment.value.length + 1
      continue
    }
    if (segment.name === parameter) return { kind: segment.kind, index, offset }
    offset = -1
  }
  return undefined
}

/** What wildcards stand for: the declared permissions, or every literal one that the file names. */
function universeOf(definition: PolicyDefinition): readonly string[] {
  if (definition.permissions !== undefined) return definition.permissions
  const named = new Set<string>()
  const lists = [
    ...Object.values(definition.roles),
    ...Object.values(definition.platformRoles),
    ...definition.routes.flatMap((r) => [r.permission ?? [], r.anyPermission ?? []]),
  ]
  for (const grant of lists.flat()) if (!isWildcard(grant)) named.add(grant)
  return [...named].sort()
}

/**
 * The canonical text of a policy: one line of JSON with sorted keys. Files that differ only in
 * layout, comments or the order of routes and lists come to the same text, and so to one version.
 */
export function canonicalText(definition: PolicyDefinition): string {
  return JSON.stringify(definition, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
