/** Where something listens or is reached: host and port, or a socket file. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string }

/** Reads `host:port`, an IPv6 address in brackets, or `unix:/path.sock`; undefined where it is none. */
export function readEndpoint(text: string): Endpoint | undefined {
  if (/^unix:\/.+$/.test(text)) return { path: text.slice('unix:'.length) }
  const [, host, port] = /^(\[[0-9A-Fa-f:.]+\]|[^:\s/]+):(\d{1,5})$/.exec(text) ?? []
  if (host === undefined || Number(port) > 65_535) return undefined
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** An `envoy.config.core.v3.Address`. */
export function addressOf(endpoint: Endpoint): object {
  if ('path' in endpoint) return { pipe: { path: endpoint.path } }
  return { socket_address: { address: endpoint.host, port_value: endpoint.port } }
}

/** A `ClusterLoadAssignment` of these endpoints. */
export function loadAssignment(cluster: string, endpoints: readonly Endpoint[]): object {
  const lbEndpoints = endpoints.map((one) => ({ endpoint: { address: addressOf(one) } }))
  return { cluster_name: cluster, endpoints: [{ lb_endpoints: lbEndpoints }] }
}

/** Whether a host is an address: it has no SNI then, and is another kind of subject. */
export function isIpAddress(host: string): boolean {
  return host.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host)
}
