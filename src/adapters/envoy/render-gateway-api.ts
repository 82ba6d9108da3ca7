import type { Edge } from '../../domain/edge.ts'
import type { EdgeHost } from '../../domain/edge-table.ts'
import { anyHost } from '../../domain/host.ts'
import { gatewayPolicies, refusalName, type GatewayTarget } from './render-gateway-policies.ts'
import { orderedPaths } from './render-gateway-routes.ts'
import {
  backendRef,
  referenceGrant,
  resource,
  upstreamService,
  type Resource,
} from './render-kubernetes.ts'

const envoyGateway = 'gateway.envoyproxy.io'
/** The most that an HTTPRoute holds. */
const most = { rules: 16, hostnames: 16, matches: 128 }

/** The resources of Envoy Gateway for a policy. */
export function gatewayResources(edge: Edge, target: GatewayTarget): readonly Resource[] {
  const upstreams = new Map(edge.upstreams.map((one, at) => [one.name, backendOf(one, at, target)]))
  return [
    ...edge.hosts.flatMap((host, at) => httpRoutes(host, at, { upstreams, target })),
    ...[...upstreams.values()].flatMap(({ resources }) => resources),
    ...referenceGrant(target.authz, { kind: 'SecurityPolicy', namespace: target.namespace }),
    ...gatewayPolicies(edge, target),
  ]
}

interface UpstreamBackend {
  readonly ref: object
  /** What it takes beside the reference. */
  readonly resources: readonly Resource[]
}

function backendOf(
  upstream: Edge['upstreams'][number],
  at: number,
  { namespace }: GatewayTarget,
): UpstreamBackend {
  const service = upstreamService(upstream)
  if (service !== undefined) {
    const resources = referenceGrant(service, { kind: 'HTTPRoute', namespace })
    return { ref: backendRef(service, namespace), resources }
  }
  const { host, ip, port, tls } = upstream.address
  const name = `tenantgate-upstream-${at + 1}`
  const endpoint =
    ip === undefined ? { fqdn: { hostname: host, port } } : { ip: { address: host, port } }
  const value = resource('Backend', name, namespace, {
    endpoints: [endpoint],
    // Without a name there is nothing that the certificate has to be for: gatewayUpstreamFaults.
    ...(tls ? { tls: { wellKnownCACertificates: 'System', sni: host } } : {}),
  })
  const comment = `The upstream ${upstream.name}. Needs extensionApis.enableBackend in EnvoyGateway.`
  return { ref: { group: envoyGateway, kind: 'Backend', name }, resources: [{ comment, value }] }
}

function httpRoutes(
  { patterns, routes }: EdgeHost,
  hostAt: number,
  context: {
    readonly upstreams: ReadonlyMap<string, UpstreamBackend>
    readonly target: GatewayTarget
  },
): readonly Resource[] {
  const { target, upstreams } = context
  const paths = orderedPaths(routes)
  const rules = routes.map((route, at) => ({
    names: [route.name],
    matches: route.methods.length,
    value: {
      matches: route.methods.map((method) => ({ path: paths[at], method })),
      backendRefs: [upstreams.get(route.upstream)?.ref],
      timeouts: { request: '30s' },
    },
  }))
  const noRule = {
    names: [],
    matches: 1,
    value: {
      matches: [{ path: { type: 'PathPrefix', value: '/' } }],
      filters: [
        {
          type: 'ExtensionRef',
          extensionRef: { group: envoyGateway, kind: 'HTTPRouteFilter', name: refusalName },
        },
      ],
    },
  }
  const named = patterns.filter((pattern) => pattern !== anyHost)
  const hostnames = named.length === patterns.length ? chunks(named, most.hostnames) : [[]]
  return hostnames.flatMap((some, someAt) =>
    chunksOfRules([...rules, noRule]).map((chunk, at) => {
      const name = `tenantgate-${hostAt + 1}${hostnames.length > 1 ? `-${someAt + 1}` : ''}-${at + 1}`
      const taken = chunk.flatMap(({ names }) => names)
      const value = resource('HTTPRoute', name, target.namespace, {
        parentRefs: [{ name: target.gateway, sectionName: target.listener }],
        ...(some.length > 0 ? { hostnames: some } : {}),
        rules: chunk.map((rule) => rule.value),
      })
      return {
        comment: `Routes: ${[...taken, ...(taken.length < chunk.length ? ['all else'] : [])].join(', ')}`,
        value,
      }
    }),
  )
}

type Rule = { readonly names: readonly string[]; readonly matches: number; readonly value: object }

function chunksOfRules(rules: readonly Rule[]): readonly (readonly Rule[])[] {
  const all: Rule[][] = []
  for (const rule of rules) {
    const last = all.at(-1)
    const held = (last ?? []).reduce((sum, { matches }) => sum + matches, rule.matches)
    if (last === undefined || last.length === most.rules || held > most.matches) all.push([rule])
    else last.push(rule)
  }
  return all
}

function chunks<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
    all.slice(at * size, (at + 1) * size),
  )
}
