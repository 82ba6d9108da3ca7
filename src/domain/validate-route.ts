import { extensionRouteName } from './extension.ts'
import type { Access, Freshness, RouteDefinition, TenantDefinition } from './policy.ts'
import type { PolicyPath, PolicyReader } from './policy-reader.ts'
import { readHosts, readPermissions, readTenant } from './policy-values.ts'
import { parseTemplate, type Template } from './template.ts'

const routeKeys = [
  'name',
  'match',
  'access',
  'permission',
  'anyPermission',
  'hosts',
  'tenant',
  'freshness',
  'whenUnavailable',
  'mode',
  'upstream',
  'description',
]
const accesses: readonly Access[] = ['member', 'authenticated', 'public']
const freshnesses: readonly Freshness[] = ['claims', 'cache', 'verified', 'database']
const routeName = /^[\x21-\x7e]{1,128}$/
const matchForm = /^([A-Za-z-]+(?:\|[A-Za-z-]+)*) +(\S.*)$/

/** What a route's validation needs of the rest of the policy. */
export interface RouteContext {
  readonly tenant: TenantDefinition
  readonly upstreams: ReadonlySet<string> | undefined
  readonly injectedHeaders: readonly string[]
  /** Names of the routes before this one; each route adds its own. */
  readonly names: Set<string>
}

/** A route that parsed, with what its canonical form no longer shows. */
export interface ValidatedRoute {
  readonly definition: RouteDefinition
  readonly methods: readonly string[]
  readonly template: Template
  readonly path: PolicyPath
}

/** Validates one entry of `routes`; undefined where faults leave nothing to go on with. */
export function validateRoute(
  reader: PolicyReader,
  value: unknown,
  path: PolicyPath,
  context: RouteContext,
): ValidatedRoute | undefined {
  const entries = reader.mapping(value, path)
  if (entries === undefined) return undefined
  reader.onlyKeys(entries, path, routeKeys)
  const at = (key: string): PolicyPath => [...path, key]
  const optional = <T>(
    key: string,
    read: (value: unknown, path: PolicyPath) => T,
  ): T | undefined => (entries.has(key) ? read(entries.get(key), at(key)) : undefined)

  const name = readName(reader, entries, path, context.names)
  const match = readMatch(reader, entries, path)
  const statedAccess = optional('access', (v, path) => reader.choice(v, path, accesses))
  const access = statedAccess ?? 'member'
  const permission = optional('permission', (value, path) => readPermissions(reader, value, path))
  const anyPermission = optional('anyPermission', (value, path) =>
    readPermissions(reader, value, path),
  )
  const tenant = optional('tenant', (value, path) =>
    value === 'none' ? value : readTenant(reader, value, path, context.injectedHeaders),
  )
  const hosts = optional('hosts', (value, path) => readHosts(reader, value, path))
  const freshness = optional('freshness', (v, path) => reader.choice(v, path, freshnesses))
  const whenUnavailable = optional('whenUnavailable', (v, path) =>
    reader.choice(v, path, ['deny', 'claims'] as const),
  )
  const mode = optional('mode', (v, path) => reader.choice(v, path, ['enforce', 'shadow'] as const))
  const upstream = optional('upstream', (v, path) =>
    reader.text(v, path, 'the name of an upstream'),
  )
  const description = optional('description', (v, path) => reader.text(v, path, 'a text'))

  if (upstream !== undefined && context.upstreams?.has(upstream) === false) {
    reader.fault(at('upstream'), `upstream "${upstream}" is not declared under upstreams`)
  }
  if (entries.has('access') && statedAccess === undefined) {
    // Already a fault: what else is wrong depends on which access is meant.
  } else if (access === 'member') {
    checkMember(reader, {
      entries,
      path,
      tenant: tenant ?? context.tenant,
      template: match?.template,
    })
  } else {
    for (const key of ['permission', 'anyPermission', 'tenant', 'whenUnavailable']) {
      // The canonical form spells the default out.
      const stated = entries.has(key) && !(key === 'whenUnavailable' && whenUnavailable === 'deny')
      if (stated) {
        reader.fault(at(key), `${key} has no effect with access: ${access}; remove one of the two`)
      }
    }
  }
  if (name === undefined || match === undefined) return undefined
  return {
    methods: match.methods,
    template: match.template,
    path,
    definition: {
      name,
      match: `${match.methods.join('|')} ${match.template.source}`,
      access,
      ...(permission && { permission }),
      ...(anyPermission && { anyPermission }),
      ...(hosts && { hosts }),
      ...(tenant !== undefined && { tenant }),
      freshness: freshness ?? 'claims',
      whenUnavailable: whenUnavailable ?? 'deny',
      mode: mode ?? 'enforce',
      ...(upstream !== undefined && { upstream }),
      ...(description !== undefined && { description }),
    },
  }
}

function readName(
  reader: PolicyReader,
  entries: ReadonlyMap<string, unknown>,
  path: PolicyPath,
  names: Set<string>,
): string | undefined {
  if (!entries.has('name')) {
    reader.fault(path, 'the route has no name')
    return undefined
  }
  const name = reader.text(entries.get('name'), [...path, 'name'], 'a name')
  if (name !== undefined && !routeName.test(name)) {
    reader.fault([...path, 'name'], 'a route name is at most 128 visible ASCII characters')
    return undefined
  }
  if (name === undefined) return undefined
  if (name === extensionRouteName) {
    reader.fault([...path, 'name'], `${name} stands for the rules of Envoy's own routes`)
  }
  if (names.has(name)) {
    reader.fault([...path, 'name'], `another route is named "${name}" already`)
  }
  names.add(name)
  return name
}

function readMatch(
  reader: PolicyReader,
  entries: ReadonlyMap<string, unknown>,
  path: PolicyPath,
): { readonly methods: readonly string[]; readonly template: Template } | undefined {
  if (!entries.has('match')) {
    reader.fault(path, 'the route has no match, as in: match: GET|HEAD /api/v1/leave/{leaveId}')
    return undefined
  }
  const at = [...path, 'match']
  const text = reader.text(entries.get('match'), at, 'methods and a path template')
  if (text === undefined) return undefined
  const [, methodText, templateText] = matchForm.exec(text.trim()) ?? []
  if (methodText === undefined || templateText === undefined) {
    reader.fault(at, 'write the methods, a space and a path template: GET|HEAD /path/{name}')
    return undefined
  }
  const methods = [...new Set(methodText.split('|'))].sort()
  for (const method of methods) {
    if (method !== method.toUpperCase()) {
      reader.fault(at, `methods are upper case: ${method.toUpperCase()}, not ${method}`)
    } else if (method === 'CONNECT') {
      reader.fault(at, 'CONNECT never reaches a route: it has no path')
    }
  }
  const template = parseTemplate(templateText)
  if ('faults' in template) {
    for (const fault of template.faults) reader.fault(at, fault)
    return undefined
  }
  return { methods, template }
}

function checkMember(
  reader: PolicyReader,
  route: {
    readonly entries: ReadonlyMap<string, unknown>
    readonly path: PolicyPath
    readonly tenant: TenantDefinition | 'none'
    readonly template: Template | undefined
  },
): void {
  const { entries, path, tenant, template } = route
  const asked = ['permission', 'anyPermission'].filter((key) => entries.has(key))
  if (asked.length === 0) {
    reader.fault(
      path,
      'the route asks for no permission: add permission, or access: authenticated or public',
    )
  }
  if (asked.length === 2) {
    reader.fault(
      [...path, 'anyPermission'],
      'permission and anyPermission exclude each other: keep one of the two',
    )
  }
  if (tenant === 'none' || !('path' in tenant) || template === undefined) return
  const named = template.segments.find((s) => s.kind !== 'literal' && s.name === tenant.path)
  if (named === undefined) {
    reader.fault(
      [...path, 'match'],
      `the template lacks {${tenant.path}}, which the tenant is read from`,
    )
  } else if (named.kind === 'rest') {
    reader.fault([...path, 'match'], `a tenant is one segment: write {${tenant.path}}`)
  }
}
