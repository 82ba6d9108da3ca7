import { error, ok, warn, type Finding } from '../../domain/finding.ts'
import {
  at,
  isTyped,
  list,
  object,
  text,
  typedIn,
  type ConfigObject,
  type ConnectionManager,
} from './doctor-dump.ts'
import { listenersWhere } from './doctor-filter.ts'

/** Settings under which one path has one spelling, for the route, tenantgate and the upstream. */
const pathSettings: readonly (readonly [key: string, good: readonly unknown[], yaml: string])[] = [
  ['normalize_path', [true], 'normalize_path: true'],
  ['merge_slashes', [true], 'merge_slashes: true'],
  [
    'path_with_escaped_slashes_action',
    ['REJECT_REQUEST'],
    'path_with_escaped_slashes_action: REJECT_REQUEST',
  ],
]

/** Whether paths are brought into one form before anything is decided. */
export function examinePaths(managers: readonly ConnectionManager[]): Finding {
  const name = 'envoy.paths'
  const missing = pathSettings.filter(([key, good]) =>
    managers.some(({ config }) => !good.includes(config[key])),
  )
  if (missing.length === 0) return ok(name, 'normalised, with encoded slashes refused')
  const on = listenersWhere(managers, ({ config }) =>
    missing.some(([key, good]) => !good.includes(config[key])),
  )
  return warn(name, `${missing.map(([key]) => key).join(', ')} not set as needed on ${on}`, {
    why: 'tenantgate refuses a path with two readings, but the route is chosen before it is asked: /public/../v1 would take the route of /public, and clients get 400 for what Envoy could have tidied',
    mend: missing.map(([, , yaml]) => yaml).join('\n'),
  })
}

/** Whether a name of a host leads to one virtual host, however it is written. */
export function examineHosts(
  managers: readonly ConnectionManager[],
  routeConfigs: readonly ConfigObject[],
): Finding {
  const name = 'envoy.hosts'
  const several = routeConfigs.some((config) => list(config['virtual_hosts']).length > 1)
  const loose = listenersWhere(
    managers,
    ({ config }) =>
      (config['strip_any_host_port'] !== true && config['strip_matching_host_port'] !== true) ||
      config['strip_trailing_host_dot'] !== true,
  )
  if (!several || loose === '') return ok(name, 'one spelling, or one virtual host')
  return warn(name, `port or trailing dot of a host stay on ${loose}`, {
    why: 'api.example.com:443 and api.example.com. can choose another virtual host, and so other rules, than api.example.com',
    mend: 'strip_any_host_port: true\nstrip_trailing_host_dot: true',
  })
}

/** Whether clients on a private address count as internal. */
export function examineInternal(managers: readonly ConnectionManager[]): Finding {
  const name = 'envoy.internal_addresses'
  const open = listenersWhere(managers, ({ config }) => {
    const internal = config['internal_address_config']
    return internal !== undefined && list(at(internal, 'cidr_ranges')).length === 0
  })
  if (open === '') return ok(name, 'no client counts as internal unless a range names it')
  return warn(name, `internal_address_config without cidr_ranges on ${open}`, {
    why: 'then every private and loopback address is internal: their x-envoy-* and x-request-id headers are believed',
    mend: '# leave internal_address_config out, or name the ranges:\ninternal_address_config: { cidr_ranges: [{ address_prefix: 10.1.0.0, prefix_len: 16 }] }',
  })
}

/** What bears on how grave it is that identity headers of clients are not removed. */
export interface StrippingContext {
  readonly headers: readonly string[]
  /** Whether some request can reach an upstream without an answer of tenantgate. */
  readonly unasked: boolean
}

/** Whether identity headers of clients are removed before anything else. */
export function examineStripping(
  managers: readonly ConnectionManager[],
  { headers, unasked }: StrippingContext,
): Finding {
  const name = 'envoy.identity_headers'
  const kept = headers.filter((header) => managers.some(({ config }) => !removes(config, header)))
  if (kept.length === 0) return ok(name, 'removed from what clients send, on every route')
  const on = listenersWhere(managers, ({ config }) =>
    headers.some((header) => !removes(config, header)),
  )
  return (unasked ? error : warn)(name, `clients may send ${kept.join(', ')} on ${on}`, {
    why: unasked
      ? 'requests that pass without tenantgate carry them to upstreams: whoever sends x-user-id is that user'
      : 'tenantgate sets or removes them on each allow; but a route that it is not asked on would pass them to upstreams',
    mend: [
      'early_header_mutation_extensions:',
      '  - name: envoy.http.early_header_mutation.header_mutation',
      '    typed_config:',
      "      '@type': type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
      `      mutations: [${headers.map((header) => `{ remove: ${header} }`).join(', ')}]`,
    ].join('\n'),
  })
}

function removes(manager: ConfigObject, header: string): boolean {
  const early = typedIn(manager['early_header_mutation_extensions'], 'HeaderMutation')
  const mutations = early.flatMap((one) => list(one['mutations']))
  return [...mutations, ...filterMutations(manager)].some((mutation) => {
    const prefix = text(at(mutation, 'remove_on_match', 'key_matcher', 'prefix'))
    const exact = text(at(mutation, 'remove'))
    return exact?.toLowerCase() === header || (prefix !== undefined && header.startsWith(prefix))
  })
}

/** Those of the header mutation filter, where it stands before ext_authz. */
function filterMutations(manager: ConfigObject): readonly unknown[] {
  const filters = list(manager['http_filters']).map(object)
  const authz = filters.findIndex((filter) => isTyped(filter['typed_config'], 'ExtAuthz'))
  return filters
    .slice(0, Math.max(0, authz))
    .filter((filter) => filter['disabled'] !== true)
    .filter((filter) => isTyped(filter['typed_config'], 'HeaderMutation'))
    .flatMap((filter) => list(at(filter['typed_config'], 'mutations', 'request_mutations')))
}
