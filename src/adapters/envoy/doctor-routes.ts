import { error, listed, ok, warn, type Finding } from '../../domain/finding.ts'
import { at, isTyped, list, object, text, type ConfigObject } from './doctor-dump.ts'

/** A part of a route table that has settings of its own. */
interface Scope {
  readonly name: string
  readonly config: ConfigObject
}

/** Every scope of route tables: the table, virtual hosts, routes, weighted clusters. */
export function scopesOf(routeConfigs: readonly ConfigObject[]): readonly Scope[] {
  return routeConfigs.flatMap((table) => {
    const tableName = text(table['name']) ?? 'a route table'
    return [
      { name: tableName, config: table },
      ...list(table['virtual_hosts']).map(object).flatMap(hostScopes),
    ]
  })
}

function hostScopes(host: ConfigObject): readonly Scope[] {
  const hostName = text(host['name']) ?? 'a virtual host'
  return [
    { name: hostName, config: host },
    ...list(host['routes'])
      .map(object)
      .flatMap((route, index) => {
        const name = `${hostName}/${text(route['name']) ?? matchOf(route) ?? index}`
        const weighted = list(at(route, 'route', 'weighted_clusters', 'clusters')).map(object)
        return [{ name, config: route }, ...weighted.map((config) => ({ name, config }))]
      }),
  ]
}

function matchOf(route: ConfigObject): string | undefined {
  const match = object(route['match'])
  return text(match['path']) ?? text(match['prefix']) ?? text(at(match, 'safe_regex', 'regex'))
}

/** Scopes that switch ext_authz off; `names` are those of the filter. */
export function unaskedScopes(
  scopes: readonly Scope[],
  names: readonly string[],
): readonly string[] {
  return settingsOf(scopes, names)
    .filter(({ config }) => config['disabled'] === true)
    .map(({ name }) => name)
}

function settingsOf(scopes: readonly Scope[], names: readonly string[]): readonly Scope[] {
  return scopes.flatMap(({ name, config }) =>
    names.flatMap((filter) => {
      const settings = at(config, 'typed_per_filter_config', filter)
      return settings === undefined ? [] : [{ name, config: object(settings) }]
    }),
  )
}

/** Whether every route is decided by this authorization server. */
export function examineRoutes(scopes: readonly Scope[], names: readonly string[]): Finding {
  const name = 'envoy.routes'
  const unasked = unaskedScopes(scopes, names)
  if (unasked.length > 0) {
    return warn(name, `ext_authz is switched off on ${listed(unasked)}`, {
      why: 'these routes reach their upstream unasked and unlogged, whatever the policy says of them',
      mend: '- { name: …, match: GET /…, access: public }   # a public route in the policy instead of disabled: true in Envoy',
    })
  }
  const elsewhere = settingsOf(scopes, names)
    .filter(({ config }) => isTyped(config, 'ExtAuthzPerRoute'))
    .filter(({ config }) =>
      ['grpc_service', 'http_service'].some(
        (key) => at(config, 'check_settings', key) !== undefined,
      ),
    )
  if (elsewhere.length > 0) {
    return warn(name, `another server decides on ${listed(elsewhere.map((one) => one.name))}`, {
      why: 'what the policy says of these routes is not heeded',
      mend: '# take grpc_service out of check_settings on these routes',
    })
  }
  return ok(name, 'no route switches ext_authz off')
}

/** Whether a route table removes what tenantgate has set: that happens after its answer. */
export function examineRemovedHeaders(
  scopes: readonly Scope[],
  identityHeaders: readonly string[],
): Finding {
  const name = 'envoy.removed_headers'
  const removing = scopes.filter(({ config }) =>
    list(config['request_headers_to_remove']).some((header) =>
      identityHeaders.includes((text(header) ?? '').toLowerCase()),
    ),
  )
  if (removing.length === 0) return ok(name, "no route removes tenantgate's own headers")
  const names = listed(removing.map((one) => one.name))
  return error(name, `request_headers_to_remove takes identity headers away on ${names}`, {
    why: 'it runs after tenantgate has set them: the upstream never learns who the subject is',
    mend: '# remove them by early_header_mutation_extensions of the connection manager instead',
  })
}
