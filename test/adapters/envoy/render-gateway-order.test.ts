import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { renderGatewayApi } from '../../../src/adapters/envoy/render-cluster-formats.ts'
import { canonicalHost } from '../../../src/domain/host.ts'
import { readPath } from '../../../src/domain/path.ts'
import { policyFrom } from '../../support/builders.ts'
import { readResources, type PathMatch, type Resource } from '../../support/kubernetes-resources.ts'
import { randomWorld } from '../../support/random-policies.ts'
import { edgeOf, shippedEnvoy } from '../../support/render-edge.ts'

const target = {
  ...{ namespace: 'edge', gateway: 'public', listener: 'http' },
  authz: { name: 'tenantgate', namespace: 'gate', port: 9191 },
}

/** Envoy Gateway's order: exact, expression, prefix; the longer first. */
function bySort(a: PathMatch, b: PathMatch): number {
  const kinds = ['Exact', 'RegularExpression', 'PathPrefix']
  const kind = kinds.indexOf(a.type) - kinds.indexOf(b.type)
  return kind === 0 ? b.value.length - a.value.length : kind
}

const takes = ({ type, value }: PathMatch, path: string): boolean =>
  type === 'PathPrefix' ||
  (type === 'Exact' ? value === path : new RegExp(`^(?:${value})$`).test(path))

/** Where Envoy Gateway would send a request, by the specification of the Gateway API. */
function backendOf(routes: readonly Resource[], host: string, method: string, path: string) {
  const rank = (pattern: string): number =>
    pattern === host
      ? Infinity
      : host.endsWith(pattern.slice(1)) && host.length >= pattern.length && pattern.startsWith('*')
        ? pattern.length
        : -1
  const best = (one: Resource): number =>
    Math.max(...(one.spec.hostnames ?? []).map(rank), one.spec.hostnames === undefined ? 0 : -1)
  const most = Math.max(...routes.map(best))
  const matches = routes
    .filter((one) => best(one) === most)
    .flatMap((one) =>
      one.spec.rules.flatMap((rule) => rule.matches.map((match) => ({ rule, match }))),
    )
    // The order of resources is that of their creation: it may not matter.
    .reverse()
    .sort((a, b) => bySort(a.match.path, b.match.path))
  const found = matches.find(
    ({ match }) =>
      (match.method === undefined || match.method === method) && takes(match.path, path),
  )
  return found?.rule.backendRefs?.[0]?.name
}

describe('routes of Envoy Gateway', () => {
  it.each([31, 32, 33])('lead to the upstream of the rule that decides, seed %i', (seed) => {
    const world = randomWorld(seed)
    const policy = world.policy(80, 'http://u:1')
    // Each upstream is a Service of its own name, so that one can tell them apart.
    const named = Object.keys(policy.definition.upstreams).map((one) => [
      one,
      `http://svc-${one}:80`,
    ])
    const text = stringify({ ...policy.definition, upstreams: Object.fromEntries(named) as object })
    const renamed = policyFrom(text)
    const routes = readResources(renderGatewayApi(shippedEnvoy, edgeOf(renamed), target)).filter(
      ({ kind }) => kind === 'HTTPRoute',
    )
    const upstreamOf = new Map(renamed.definition.routes.map((one) => [one.name, one.upstream]))
    let led = 0
    for (let asked = 0; asked < 600; asked++) {
      const { host, method, path } = world.request(renamed)
      const reading = readPath(path)
      if (!('segments' in reading)) continue
      const decided = renamed.routes.match(method, host, reading.path, reading.path.length)
      const backend = backendOf(routes, canonicalHost(host), method, reading.path)
      if (decided === undefined && reading.encoded) continue
      const upstream = decided && upstreamOf.get(decided.name)
      expect(backend, `${method} ${host} ${path}`).toBe(
        upstream === undefined ? undefined : `svc-${upstream}`,
      )
      if (backend !== undefined) led += 1
    }
    expect(led).toBeGreaterThan(80)
  })
})
