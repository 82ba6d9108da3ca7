import { readFileSync } from 'node:fs'
import { readEndpoint, type Endpoint } from '../../src/adapters/envoy/render-address.ts'
import type { ClientTls } from '../../src/adapters/envoy/render-clusters.ts'
import { renderEnvoy, type EnvoyPart } from '../../src/adapters/envoy/render.ts'
import { planEdge, type Edge } from '../../src/domain/edge.ts'
import type { Policy } from '../../src/domain/policy.ts'

/** The shipped configuration, which rendered ones are made of. */
export const shippedEnvoy = readFileSync('envoy/envoy.yaml', 'utf8')

/** The edge of a policy that can be rendered. */
export function edgeOf(policy: Policy): Edge {
  const planned = planEdge(policy)
  if ('edge' in planned) return planned.edge
  throw new Error(planned.faults.map(({ message }) => message).join('\n'))
}

function endpoint(address: string): Endpoint {
  const read = readEndpoint(address)
  if (read === undefined) throw new Error(`no address: ${address}`)
  return read
}

/** Renders a policy with free ports of its own. */
export function renderPolicy(
  policy: Policy,
  options: {
    readonly authz?: readonly string[]
    readonly authzTls?: ClientTls
    readonly upstreamCa?: string
    readonly only?: EnvoyPart
  } = {},
): string {
  const free = { host: '127.0.0.1', port: 0 }
  return renderEnvoy(shippedEnvoy, edgeOf(policy), {
    listen: free,
    admin: free,
    authz: (options.authz ?? ['127.0.0.1:9191']).map(endpoint),
    authzTls: options.authzTls,
    upstreamCa: options.upstreamCa ?? '/etc/ssl/certs/ca-certificates.crt',
    only: options.only,
  })
}
