import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parse, stringify } from 'yaml'

/** The repository's edge configuration; the same from src/ and from dist/. */
export const ENVOY_YAML = resolve(import.meta.dirname, '../../../envoy/envoy.yaml')

export interface EnvoyConfigOptions {
  /** Default: the repository's envoy/envoy.yaml. */
  readonly file?: string
  /** `host:port`, port 0 for a free one. Default 127.0.0.1:0. */
  readonly listen?: string
  /** Default 127.0.0.1:0. */
  readonly admin?: string
  /** tenantgate's workers, each `host:port` or `unix:/path.sock`. */
  readonly authz: readonly string[]
  /** `host:port` */
  readonly upstream: string
  /** For tests of what must hold even so. */
  readonly failureModeAllow?: boolean
  /** Interval and time-out of the health checks; the file says 2 s. */
  readonly healthCheckIntervalMs?: number
  /** Any other change, for tests. */
  readonly patch?: (config: EnvoyConfig) => void
}

export type Address =
  { socket_address: { address: string; port_value: number } } | { pipe: { path: string } }

export interface Cluster {
  name: string
  type: string
  health_checks?: { interval: string; no_traffic_interval: string; timeout: string }[]
  load_assignment: { endpoints: { lb_endpoints: { endpoint: { address: Address } }[] }[] }
  [field: string]: unknown
}

export interface NamedExtension {
  name: string
  typed_config: Record<string, unknown>
}

export interface ConnectionManager {
  http_filters: NamedExtension[]
  [field: string]: unknown
}

/** As much of an Envoy bootstrap as is looked at here. */
export interface EnvoyConfig {
  admin: { address: Address }
  static_resources: {
    listeners: {
      address: Address
      filter_chains: { filters: { name: string; typed_config: ConnectionManager }[] }[]
    }[]
    clusters: Cluster[]
  }
  [field: string]: unknown
}

function toAddress(text: string): Address {
  if (text.startsWith('unix:')) return { pipe: { path: text.slice('unix:'.length) } }
  const colon = text.lastIndexOf(':')
  const port = Number(text.slice(colon + 1))
  if (colon < 1 || !Number.isInteger(port)) throw new Error(`not host:port: ${text}`)
  return { socket_address: { address: text.slice(0, colon), port_value: port } }
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the Envoy configuration has no ${what}`)
  return value
}

function setEndpoints(config: EnvoyConfig, name: string, addresses: readonly string[]): Cluster {
  const { clusters } = config.static_resources
  const cluster = present(
    clusters.find((c) => c.name === name),
    `cluster ${name}`,
  )
  const endpoints = addresses.map((text) => ({ endpoint: { address: toAddress(text) } }))
  // A DNS cluster takes no socket files.
  if (addresses.some((text) => text.startsWith('unix:'))) cluster.type = 'STATIC'
  cluster.load_assignment.endpoints = [{ lb_endpoints: endpoints }]
  return cluster
}

/** The HTTP connection manager of the edge listener. */
export function connectionManager(config: EnvoyConfig): ConnectionManager {
  const filter = config.static_resources.listeners[0]?.filter_chains[0]?.filters[0]
  return present(filter, 'HTTP connection manager').typed_config
}

/** The settings of the ext_authz filter. */
export function extAuthz(config: EnvoyConfig): Record<string, unknown> {
  const { http_filters } = connectionManager(config)
  const filter = http_filters.find(({ name }) => name === 'envoy.filters.http.ext_authz')
  return present(filter, 'ext_authz filter').typed_config
}

/**
 * The repository's own configuration as YAML, with other addresses: what is tested is what is
 * shipped. Only the options named for tests change more.
 */
export async function renderEnvoyConfig(options: EnvoyConfigOptions): Promise<string> {
  const { file = ENVOY_YAML, listen = '127.0.0.1:0', admin = '127.0.0.1:0' } = options
  const config = parse(await readFile(file, 'utf8')) as EnvoyConfig
  config.admin.address = toAddress(admin)
  const listener = present(config.static_resources.listeners[0], 'listener')
  listener.address = toAddress(listen)
  setEndpoints(config, 'upstream', [options.upstream])
  const authz = setEndpoints(config, 'authz', options.authz)

  if (options.failureModeAllow === true) extAuthz(config)['failure_mode_allow'] = true
  if (options.healthCheckIntervalMs !== undefined) {
    const every = `${options.healthCheckIntervalMs / 1000}s`
    for (const check of authz.health_checks ?? []) {
      Object.assign(check, { interval: every, no_traffic_interval: every, timeout: every })
    }
  }
  options.patch?.(config)
  return stringify(config)
}
