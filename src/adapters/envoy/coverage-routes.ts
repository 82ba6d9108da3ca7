import type { Gateway, GatewayRoute } from '../../domain/coverage-gateway.ts'
import { readMatch } from './coverage-match.ts'
import {
  protectionOf,
  routeProtection,
  weightedLevels,
  type ListenerProtection,
} from './coverage-protection.ts'
import {
  at,
  list,
  object,
  text,
  typedIn,
  type ConfigObject,
  type EnvoyDump,
} from './doctor-dump.ts'

/** What Envoy's admin interface says instead of the values of context_extensions. */
const redacted = '[redacted]'

/** The routes of a configuration that pass requests on, and what decides them. */
export function gatewayOf(
  source: string,
  { managers, routeConfigs }: Pick<EnvoyDump, 'managers' | 'routeConfigs'>,
): Gateway {
  const routes: GatewayRoute[] = []
  const gaps: { readonly listener: string; readonly why: string }[] = []
  for (const { config, listener } of managers) {
    const protection = protectionOf(listener, config)
    const { table, unseen } = tableOf(config, routeConfigs)
    if (unseen !== null) gaps.push({ listener, why: unseen })
    const found = routesOfTable(listener, table, protection)
    // A listener that only redirects has nothing to protect.
    const { gap } = protection
    if (gap !== null && (found.length > 0 || unseen !== null)) gaps.push({ listener, why: gap })
    routes.push(...found)
  }
  return { source, routes, gaps }
}

/** The route table of a connection manager, and what of it is not here to be looked at. */
function tableOf(
  manager: ConfigObject,
  routeConfigs: readonly ConfigObject[],
): { readonly table: ConfigObject; readonly unseen: string | null } {
  const inline = manager['route_config']
  const name = text(at(manager, 'rds', 'route_config_name'))
  const table =
    inline === undefined ? routeConfigs.find((one) => one['name'] === name) : object(inline)
  if (name === undefined && inline === undefined) {
    return { table: {}, unseen: 'its routes (scoped_routes) are not looked at' }
  }
  if (table === undefined) {
    const unseen = `its route table "${name}" (RDS) is not here: name the admin interface of a running Envoy`
    return { table: {}, unseen }
  }
  const onDemand = table['vhds'] !== undefined
  return {
    table,
    unseen: onDemand ? 'its virtual hosts come on demand (VHDS): not all are looked at' : null,
  }
}

function routesOfTable(
  listener: string,
  table: ConfigObject,
  { filters, gap }: ListenerProtection,
): readonly GatewayRoute[] {
  return list(table['virtual_hosts'])
    .map(object)
    .flatMap((host) => {
      const hosts = hostPatterns(list(host['domains']).map(String))
      const inMatcher = typedIn(host['matcher'], 'Route')
      const routes = [...list(host['routes']).map(object), ...inMatcher]
      return routes.flatMap((route, index) => {
        if (route['route'] === undefined) return [] // it answers by itself
        const match = readMatch(object(route['match']), hosts)
        const protections = weightedLevels(route).map((cluster) =>
          routeProtection(filters, [table, host, route, cluster]),
        )
        const worst = protections.find(({ open }) => open !== null) ?? protections[0]
        const extensions = worst?.extensions ?? new Map<string, string>()
        return [
          {
            ...match,
            listener,
            hosts,
            virtual_host: text(host['name']) ?? 'a virtual host',
            route: text(route['name']) ?? `#${index + 1}`,
            extensions,
            hidden: [...extensions.values()].includes(redacted),
            open: gap ?? worst?.open ?? null,
          },
        ]
      })
    })
}

/**
 * Envoy's domains as host patterns: without a port, in lower case. A form that policies do not have
 * (`prefix.*`, `*-suffix`) becomes a wider one.
 */
function hostPatterns(domains: readonly string[]): readonly string[] {
  const patterns = domains.map((domain) => {
    const name = domain.toLowerCase().replace(/:(?:\d+|\*)$/, '')
    if (!name.includes('*') || name.startsWith('*.')) return name
    const dot = name.indexOf('.')
    return name.startsWith('*') && dot !== -1 ? `*${name.slice(dot)}` : '*'
  })
  return patterns.includes('*') ? [] : patterns
}
