import { at, isTyped, list, object, text, type ConfigObject } from './doctor-dump.ts'
import { filtersOf, type AuthzFilter } from './doctor-filter.ts'

/** Whether a connection manager has requests decided, and refuses what cannot be decided. */
export interface ListenerProtection {
  /** Why all requests pass undecided, or may; null where each route has to be looked at. */
  readonly gap: string | null
  /** The filters whose settings count: those that can be relied on, or else all. */
  readonly filters: readonly AuthzFilter[]
}

/** Looks at the ext_authz filters of a connection manager: one that decides is enough. */
export function protectionOf(listener: string, config: ConfigObject): ListenerProtection {
  const all = filtersOf([{ listener, config }])
  const reliable = all.filter((filter) => whyUnreliable(filter.config) === null)
  if (reliable.length > 0) return { gap: null, filters: reliable }
  const [first] = all
  const gap =
    first === undefined
      ? 'the listener has no ext_authz filter: requests pass undecided'
      : whyUnreliable(first.config)
  return { gap, filters: all }
}

function whyUnreliable(config: ConfigObject): string | null {
  if (config['failure_mode_allow'] === true) {
    return 'failure_mode_allow is true: while tenantgate does not answer, requests pass undecided'
  }
  if (config['shadow_mode'] === true) return 'shadow_mode is true: refused requests pass'
  const switched = ['filter_enabled', 'filter_enabled_metadata'].some(
    (key) => config[key] !== undefined,
  )
  if (switched && at(config, 'deny_at_disable', 'default_value') !== true) {
    return 'filter_enabled leaves requests out, and without deny_at_disable they pass undecided'
  }
  return null
}

/** What a route's own settings, and those around it, come to. */
export interface RouteProtection {
  /** Why its requests pass undecided; null where they do not. */
  readonly open: string | null
  readonly extensions: ReadonlyMap<string, string>
}

/**
 * Looks at a route. `levels` are its route table, virtual host, itself, and a weighted cluster: as
 * in Envoy the innermost that has a setting says whether the filter runs, and context_extensions
 * add up, the inner ones winning.
 */
export function routeProtection(
  filters: readonly AuthzFilter[],
  levels: readonly ConfigObject[],
): RouteProtection {
  const looks = filters.map((filter) => lookAt(filter, levels))
  const closed = looks.find(({ open }) => open === null)
  return closed ?? looks[0] ?? { open: null, extensions: new Map() }
}

function lookAt(filter: AuthzFilter, levels: readonly ConfigObject[]): RouteProtection {
  const settings = levels
    .map((level) => at(level, 'typed_per_filter_config', filter.name))
    .filter((one) => one !== undefined)
    .map(object)
  const extensions = new Map<string, string>()
  for (const one of settings) {
    const stated = at(innerOf(one), 'check_settings', 'context_extensions')
    for (const [key, value] of Object.entries(object(stated)))
      extensions.set(key, text(value) ?? '')
  }
  return { open: whyOpen(filter, settings.at(-1)), extensions }
}

function whyOpen(filter: AuthzFilter, innermost: ConfigObject | undefined): string | null {
  if (innermost === undefined) {
    return filter.disabled
      ? 'ext_authz is off (disabled: true), and no route setting puts it on'
      : null
  }
  if (innermost['disabled'] === true || innerOf(innermost)['disabled'] === true) {
    return 'ext_authz is switched off here (disabled: true): requests pass undecided'
  }
  const elsewhere = ['grpc_service', 'http_service'].some(
    (key) => at(innerOf(innermost), 'check_settings', key) !== undefined,
  )
  return elsewhere ? 'another server decides here: the policy is not asked' : null
}

/** `FilterConfig` wraps the settings of a filter. */
function innerOf(setting: ConfigObject): ConfigObject {
  return isTyped(setting, 'FilterConfig') ? object(setting['config']) : setting
}

/** The settings of weighted clusters, each of which a request may take; one empty one without any. */
export function weightedLevels(route: ConfigObject): readonly ConfigObject[] {
  const clusters = list(at(route, 'route', 'weighted_clusters', 'clusters')).map(object)
  return clusters.length === 0 ? [{}] : clusters
}
