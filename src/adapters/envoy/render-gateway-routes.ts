import type { EdgeUpstream } from '../../domain/edge.ts'
import type { EdgeHost, EdgeRoute } from '../../domain/edge-table.ts'
import { mayOverlap } from '../../domain/edge-overlap.ts'
import { anyHost } from '../../domain/host.ts'
import { isLiteral, pathExpression } from './render-match.ts'

/** How an HTTPRoute tells a path. */
export interface PathMatch {
  readonly type: 'Exact' | 'RegularExpression' | 'PathPrefix'
  readonly value: string
}

/** Means nothing to RE2, and makes an expression longer. */
const padding = '(?:)'

/**
 * The paths of a list of routes, so that Envoy Gateway's own order (exact before expression, longer
 * expression before shorter) is the list's wherever two routes take the same request.
 */
export function orderedPaths(routes: readonly EdgeRoute[]): readonly PathMatch[] {
  const paths: PathMatch[] = []
  for (const [at, route] of [...routes.entries()].reverse()) {
    const later = routes.flatMap((other, index) =>
      index > at && mayOverlap(route, other) ? (paths[index]?.value.length ?? 0) : [],
    )
    const yields = routes
      .slice(0, at)
      .some((other) => !isLiteral(other.template) && mayOverlap(route, other))
    if (isLiteral(route.template) && !yields) {
      paths[at] = { type: 'Exact', value: route.template.source }
      continue
    }
    let value = pathExpression(route.template)
    while (value.length <= Math.max(0, ...later)) value += padding
    paths[at] = { type: 'RegularExpression', value }
  }
  return paths
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH']
const hostname = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const longestPath = 1_024
/** What the Gateway API takes in an `Exact` path. */
const exactPath = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/

/** Upstreams whose certificate Envoy Gateway would not hold against a name, so that any would do. */
export function gatewayUpstreamFaults(
  upstreams: readonly EdgeUpstream[],
): readonly { readonly path: readonly string[]; readonly message: string }[] {
  return upstreams
    .filter(({ address }) => address.tls && address.ip !== undefined)
    .map(({ name }) => ({
      path: ['upstreams', name],
      message: 'a Backend checks no certificate for an IP address: write a host name',
    }))
}

/** Why the Gateway API cannot say these routes; none where it can. */
export function gatewayFaults(
  hosts: readonly EdgeHost[],
): readonly { readonly route: string; readonly message: string }[] {
  const faults = new Map<string, { readonly route: string; readonly message: string }>()
  const fault = (route: string, message: string): void => {
    faults.set(`${route} ${message}`, { route, message })
  }
  for (const { patterns, routes } of hosts) {
    const paths = orderedPaths(routes)
    for (const [at, route] of routes.entries()) {
      for (const method of route.methods) {
        if (!methods.includes(method)) fault(route.name, `an HTTPRoute knows no method ${method}`)
      }
      for (const pattern of route.hosts) {
        if (patterns.includes(pattern) && pattern !== anyHost && !hostname.test(pattern)) {
          fault(route.name, `an HTTPRoute takes no host name ${pattern}`)
        }
      }
      const { type, value = '' } = paths[at] ?? {}
      if (type === 'Exact' && !exactPath.test(value)) {
        fault(route.name, `an HTTPRoute takes no path ${value}`)
      }
      if (value.length > longestPath) {
        fault(route.name, `its path is longer than the ${longestPath} characters of an HTTPRoute`)
      }
    }
  }
  return [...faults.values()]
}
