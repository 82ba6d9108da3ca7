import { compilePolicy } from './compile-policy.ts'
import { assertionHeader, decisionIdHeader } from './injected-headers.ts'
import { isPermission, isWildcard } from './permission.ts'
import type { IdentityHeaders, Policy, PolicyDefinition, TenantDefinition } from './policy.ts'
import {
  createPolicyReader,
  type PolicyFault,
  type PolicyPath,
  type PolicyReader,
} from './policy-reader.ts'
import { readTenant, sorted } from './policy-values.ts'
import { validateRoute, type ValidatedRoute } from './validate-route.ts'

const policyKeys = [
  'version',
  'tenant',
  'roles',
  'platformRoles',
  'permissions',
  'dynamicRoles',
  'headers',
  'upstreams',
  'defaultUpstream',
  'routes',
]
const defaultHeaders: IdentityHeaders = {
  userId: 'x-user-id',
  organizationId: 'x-org-id',
  organizationRole: 'x-org-role',
  userRole: 'x-user-role',
}
const headerName = /^[a-z0-9][a-z0-9_-]*$/
/** Headers that a policy may not make identity headers of. */
const reservedHeaders = [
  ...['authorization', 'host', 'cookie', 'content-length', 'content-type'],
  // Gateways act on these, or take them away on the hop (RFC 9110 section 7.6.1).
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'expect', 'forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'],
  ...[decisionIdHeader, assertionHeader],
]

/** A policy that validated, without its version, or all that is wrong with it. */
export type PolicyValidation =
  | { readonly definition: PolicyDefinition; readonly compile: (version: string) => Policy }
  | { readonly faults: readonly PolicyFault[] }

/** Validates the parsed content of a policy file (contract section 3) and reports every fault. */
export function validatePolicy(value: unknown): PolicyValidation {
  const reader = createPolicyReader()
  const entries = reader.mapping(value, [])
  if (entries === undefined) return { faults: reader.faults }
  reader.onlyKeys(entries, [], policyKeys)
  if (!entries.has('version')) reader.fault([], 'the policy has no version: write version: 1')
  else if (entries.get('version') !== 1) {
    reader.fault(['version'], 'this release reads version: 1')
  }

  const headers = readHeaders(reader, entries.get('headers'))
  const injectedHeaders = [
    ...Object.values<string>({ ...headers }),
    decisionIdHeader,
    assertionHeader,
  ]
  const tenant: TenantDefinition = (entries.has('tenant')
    ? readTenant(reader, entries.get('tenant'), ['tenant'], injectedHeaders)
    : undefined) ?? { path: 'organizationId' }
  const roles = readRoles(reader, entries.get('roles'), 'roles')
  const platformRoles = readRoles(reader, entries.get('platformRoles'), 'platformRoles')
  const upstreams = readUpstreams(reader, entries.get('upstreams'))
  const defaultUpstream = readDefaultUpstream(reader, entries, upstreams)
  const dynamicRoles = entries.get('dynamicRoles') ?? false
  if (typeof dynamicRoles !== 'boolean') reader.fault(['dynamicRoles'], 'expected true or false')
  const routes = readRoutes(reader, entries.get('routes'), {
    tenant,
    upstreams: new Set(Object.keys(upstreams)),
    injectedHeaders,
    names: new Set(),
  })
  const permissions = entries.has('permissions')
    ? readUniverse(reader, entries.get('permissions'))
    : undefined
  if (permissions !== undefined && Array.isArray(entries.get('permissions'))) {
    checkDeclared(
      reader,
      new Set(permissions),
      { ...roles.stated, ...platformRoles.stated },
      routes,
    )
  }

  const definition: PolicyDefinition = {
    version: 1,
    tenant,
    roles: roles.grants,
    platformRoles: platformRoles.grants,
    ...(permissions && { permissions }),
    dynamicRoles: dynamicRoles === true,
    headers,
    upstreams,
    ...(defaultUpstream !== undefined && { defaultUpstream }),
    routes: routes.map(({ definition }) => definition).sort(byName),
  }
  const { compile, conflicts } = compilePolicy(definition, routes)
  for (const { first, second, method } of conflicts) {
    reader.fault(
      [...second.path, 'match'],
      `${method} requests match this route and "${first.definition.name}" with equal precedence`,
    )
  }
  return reader.faults.length > 0 ? { faults: reader.faults } : { definition, compile }
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : 1

interface StatedGrants {
  readonly grants: Readonly<Record<string, readonly string[]>>
  /** Where each grant stands in the file, by a key of its own. */
  readonly stated: Readonly<Record<string, { readonly text: string; readonly path: PolicyPath }>>
}

function readRoles(reader: PolicyReader, value: unknown, key: string): StatedGrants {
  const grants: [string, readonly string[]][] = []
  const stated: Record<string, { text: string; path: PolicyPath }> = {}
  const entries = value === undefined ? undefined : reader.mapping(value, [key])
  for (const [role, list] of entries ?? []) {
    if (role.includes(',') || role.trim() !== role || role === '') {
      reader.fault([key, role], 'a role name holds no comma and no space around it')
    }
    const permissions = reader.texts(list, [key, role], { what: 'permissions' })
    for (const { text, path } of permissions) {
      stated[path.join('\0')] = { text, path }
      if (!isPermission(text) && !isWildcard(text)) {
        reader.fault(path, `"${text}" is no permission: write it as leave:approve, leave:* or *`)
      }
    }
    grants.push([role, sorted(permissions.map(({ text }) => text))])
  }
  return { grants: sortedRecord(grants), stated }
}

function readUniverse(reader: PolicyReader, value: unknown): readonly string[] {
  const permissions = reader.texts(value, ['permissions'], { what: 'permissions' })
  for (const { text, path } of permissions) {
    if (!isPermission(text)) {
      reader.fault(path, `"${text}" is no permission: write each one by name, as leave:approve`)
    }
  }
  return sorted(permissions.map(({ text }) => text))
}

/** With a declared universe every permission that is named must be in it. */
function checkDeclared(
  reader: PolicyReader,
  declared: ReadonlySet<string>,
  stated: StatedGrants['stated'],
  routes: readonly ValidatedRoute[],
): void {
  const check = (text: string, path: PolicyPath): void => {
    if (isPermission(text) && !declared.has(text)) {
      reader.fault(path, `permission "${text}" is not declared under permissions`)
    }
  }
  for (const { text, path } of Object.values(stated)) check(text, path)
  for (const { definition, path } of routes) {
    for (const key of ['permission', 'anyPermission'] as const) {
      for (const permission of definition[key] ?? []) check(permission, [...path, key])
    }
  }
}

function readHeaders(reader: PolicyReader, value: unknown): IdentityHeaders {
  if (value === undefined) return defaultHeaders
  const entries = reader.mapping(value, ['headers'])
  if (entries === undefined) return defaultHeaders
  reader.onlyKeys(entries, ['headers'], Object.keys(defaultHeaders))
  const headers: Record<keyof IdentityHeaders, string> = { ...defaultHeaders }
  for (const key of Object.keys(defaultHeaders) as (keyof IdentityHeaders)[]) {
    if (!entries.has(key)) continue
    const path = ['headers', key]
    const name = reader.text(entries.get(key), path, 'the name of a header')?.toLowerCase()
    if (name === undefined) continue
    if (!headerName.test(name)) reader.fault(path, `"${name}" is no header name`)
    else if (reservedHeaders.includes(name)) reader.fault(path, `${name} has a meaning of its own`)
    else headers[key] = name
  }
  const names = Object.values(headers)
  if (new Set(names).size < names.length) {
    reader.fault(['headers'], 'two identity headers have the same name')
  }
  return headers
}

function readUpstreams(reader: PolicyReader, value: unknown): Readonly<Record<string, string>> {
  const upstreams: [string, string][] = []
  const entries = value === undefined ? undefined : reader.mapping(value, ['upstreams'])
  for (const [name, url] of entries ?? []) {
    const text = reader.text(url, ['upstreams', name], 'a URL as http://leave:8080')
    if (text === undefined) continue
    if (!/^https?:\/\/[^/?#\s]+\/?$/.test(text)) {
      reader.fault(['upstreams', name], `"${text}" is no http(s) address: write http://leave:8080`)
    }
    upstreams.push([name, text])
  }
  return sortedRecord(upstreams)
}

function readDefaultUpstream(
  reader: PolicyReader,
  entries: ReadonlyMap<string, unknown>,
  upstreams: Readonly<Record<string, string>>,
): string | undefined {
  if (!entries.has('defaultUpstream')) return undefined
  const path = ['defaultUpstream']
  const name = reader.text(entries.get('defaultUpstream'), path, 'the name of an upstream')
  if (name !== undefined && !Object.hasOwn(upstreams, name)) {
    reader.fault(path, `upstream "${name}" is not declared under upstreams`)
  }
  return name
}

function readRoutes(
  reader: PolicyReader,
  value: unknown,
  context: Parameters<typeof validateRoute>[3],
): readonly ValidatedRoute[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    reader.fault(['routes'], 'expected a list of routes')
    return []
  }
  const routes: ValidatedRoute[] = []
  for (const [index, entry] of (value as readonly unknown[]).entries()) {
    const route = validateRoute(reader, entry, ['routes', index], context)
    if (route !== undefined) routes.push(route)
  }
  return routes
}

function sortedRecord<T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> {
  // fromEntries defines own properties, so that a role named __proto__ is a role like any other.
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}
