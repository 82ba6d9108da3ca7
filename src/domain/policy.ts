import type { Requirement } from './permission.ts'
import type { RoutePattern, RouteTable } from './route-table.ts'

/** Who may call a route: members who hold its permission, any valid token, or anybody. */
export type Access = 'member' | 'authenticated' | 'public'

/** How fresh a fact must be to grant on a route, least demanding first (contract section 6). */
export type Freshness = 'claims' | 'cache' | 'verified' | 'database'

/** Where a request names its tenant; `none` is for routes that only platform roles open. */
export type TenantSource =
  | PathTenant
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'claim' }
  | { readonly kind: 'none' }

/** The parameter of a route's template that names the tenant, and where it stands in a path. */
export interface PathTenant {
  readonly kind: 'path'
  readonly parameter: string
  readonly place: {
    readonly kind: 'plain' | 'text' | 'rest'
    /** Its segment, counted from 0. */
    readonly index: number
    /** Where its segment begins in every path that the template takes; -1: that depends. */
    readonly offset: number
  }
}

/** A validated route. */
export interface Route extends RoutePattern {
  readonly name: string
  readonly access: Access
  readonly requirement: Requirement
  readonly tenant: TenantSource
  readonly freshness: Freshness
  readonly whenUnavailable: 'deny' | 'claims'
  readonly mode: 'enforce' | 'shadow'
}

/** Names of the injected identity headers, lower case. */
export interface IdentityHeaders {
  readonly userId: string
  readonly organizationId: string
  readonly organizationRole: string
  readonly userRole: string
}

/** A policy file in its canonical form: defaults filled in, order without meaning removed. */
export interface PolicyDefinition {
  readonly version: 1
  readonly tenant: TenantDefinition
  readonly roles: Readonly<Record<string, readonly string[]>>
  readonly platformRoles: Readonly<Record<string, readonly string[]>>
  readonly permissions?: readonly string[]
  readonly dynamicRoles: boolean
  readonly headers: IdentityHeaders
  readonly upstreams: Readonly<Record<string, string>>
  readonly defaultUpstream?: string
  readonly routes: readonly RouteDefinition[]
}

export type TenantDefinition =
  { readonly path: string } | { readonly header: string } | { readonly claim: true }

/** A route of the canonical form. */
export interface RouteDefinition {
  readonly name: string
  readonly match: string
  readonly access: Access
  readonly permission?: readonly string[]
  readonly anyPermission?: readonly string[]
  readonly hosts?: readonly string[]
  readonly tenant?: TenantDefinition | 'none'
  readonly freshness: Freshness
  readonly whenUnavailable: 'deny' | 'claims'
  readonly mode: 'enforce' | 'shadow'
  readonly upstream?: string
  readonly description?: string
}

/** A policy ready to decide with. */
export interface Policy {
  /** `sha256:` and 16 hex digits of the canonical form. */
  readonly version: string
  readonly definition: PolicyDefinition
  readonly routes: RouteTable<Route>
  /** Permissions of each organization role, wildcards resolved. */
  readonly roles: ReadonlyMap<string, ReadonlySet<string>>
  readonly platformRoles: ReadonlyMap<string, ReadonlySet<string>>
  /** What the platform roles grant together. */
  readonly platformPermissions: ReadonlySet<string>
  /** Every permission that wildcards stand for, sorted. */
  readonly universe: readonly string[]
  /** The headers that name a tenant on some route, lower case. */
  readonly tenantHeaders: readonly string[]
}
