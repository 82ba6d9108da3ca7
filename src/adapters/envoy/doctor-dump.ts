/** A JSON object of Envoy's configuration, in the spelling of its protocol buffers. */
export type ConfigObject = Readonly<Record<string, unknown>>

/** A connection manager, and the listener it is on. */
export interface ConnectionManager {
  readonly listener: string
  readonly config: ConfigObject
}

/** What a running Envoy says of itself, as far as it is looked at. */
export interface EnvoyDump {
  readonly version: string
  readonly state: string
  readonly bootstrap: ConfigObject
  readonly managers: readonly ConnectionManager[]
  readonly routeConfigs: readonly ConfigObject[]
  readonly clusters: readonly ConfigObject[]
}

const requestMs = 4_000

/** Reads `/server_info` and `/config_dump` of an admin interface. */
export async function readDump(adminUrl: string): Promise<EnvoyDump> {
  const info = object(await getJson(adminUrl, '/server_info'))
  return parseDump(await getJson(adminUrl, '/config_dump'), info)
}

/** What `/config_dump` answered, with what `/server_info` did; throws where it holds nothing. */
export function parseDump(answer: unknown, info: ConfigObject): EnvoyDump {
  const dump = list(at(answer, 'configs'))
  const section = (name: string): ConfigObject => object(dump.find((one) => isTyped(one, name)))
  const listeners = section('ListenersConfigDump')
  const routes = section('RoutesConfigDump')
  const clusters = section('ClustersConfigDump')
  if (dump.length === 0) throw new Error('its /config_dump holds no configuration')
  return {
    version: text(info['version'])?.split('/')[1] ?? 'of no known version',
    state: text(info['state']) ?? 'unknown',
    bootstrap: object(section('BootstrapConfigDump')['bootstrap']),
    managers: [
      ...list(listeners['static_listeners']).map((one) => at(one, 'listener')),
      ...list(listeners['dynamic_listeners']).map((one) => at(one, 'active_state', 'listener')),
    ].flatMap(managersOf),
    routeConfigs: [
      ...list(routes['static_route_configs']),
      ...list(routes['dynamic_route_configs']),
    ].map((one) => object(at(one, 'route_config'))),
    clusters: [
      ...list(clusters['static_clusters']),
      ...list(clusters['dynamic_active_clusters']),
    ].map((one) => object(at(one, 'cluster'))),
  }
}

async function getJson(adminUrl: string, path: string): Promise<unknown> {
  try {
    const response = await fetch(new URL(path, adminUrl), {
      signal: AbortSignal.timeout(requestMs),
      redirect: 'error',
    })
    if (!response.ok) throw new Error(`it answers ${response.status}`)
    return await response.json()
  } catch (cause) {
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
    throw new Error(`${path}: ${inner instanceof Error ? inner.message : String(inner)}`, { cause })
  }
}

function managersOf(listener: unknown): readonly ConnectionManager[] {
  const name = text(at(listener, 'name')) ?? 'a listener without a name'
  return typedIn(listener, 'HttpConnectionManager').map((config) => ({ listener: name, config }))
}

/** Every object of a type at any depth; none is looked for inside another. */
export function typedIn(value: unknown, type: string): readonly ConfigObject[] {
  if (Array.isArray(value)) return value.flatMap((one) => typedIn(one, type))
  if (typeof value !== 'object' || value === null) return []
  if (isTyped(value, type)) return [object(value)]
  return Object.values(value).flatMap((one) => typedIn(one, type))
}

/** Whether an object is of a protocol buffer type, by the last part of its name. */
export function isTyped(value: unknown, type: string): boolean {
  return text(at(value, '@type'))?.endsWith(`.${type}`) === true
}

/** What stands at a path of keys; undefined where anything on the way is missing. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inner, key) => object(inner)[key], value)
}

/** The object, or an empty one. */
export function object(value: unknown): ConfigObject {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as ConfigObject) : {}
}

/** The list, or an empty one. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The text, or undefined. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A duration as `0.250s` in ms, or undefined. */
export function durationMs(value: unknown): number | undefined {
  const [, seconds] = /^(\d+(?:\.\d+)?)s$/.exec(text(value) ?? '') ?? []
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}
