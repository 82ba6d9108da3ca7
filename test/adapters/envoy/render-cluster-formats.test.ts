import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { gatewayFaults } from '../../../src/adapters/envoy/render-gateway-routes.ts'
import {
  renderGatewayApi,
  renderIstio,
} from '../../../src/adapters/envoy/render-cluster-formats.ts'
import {
  connectionManager,
  extAuthz,
  type EnvoyConfig,
} from '../../../src/adapters/servers/envoy-config.ts'
import { validateEnvoyConfig } from '../../../src/adapters/servers/envoy.ts'
import type { Policy } from '../../../src/domain/policy.ts'
import { policyFrom } from '../../support/builders.ts'
import { readResources, type Resource } from '../../support/kubernetes-resources.ts'
import { edgeOf, shippedEnvoy } from '../../support/render-edge.ts'
import { servers } from '../../support/servers.ts'

const gateway = { namespace: 'edge', gateway: 'public', listener: 'http' }
const authz = { name: 'tenantgate', namespace: 'gate', port: 9191 }

const gatewayApi = (policy: Policy): readonly Resource[] =>
  readResources(renderGatewayApi(shippedEnvoy, edgeOf(policy), { ...gateway, authz }))

/** One of a kind, and no other of it. */
function only(resources: readonly Resource[], kind: string): Resource {
  const [one, ...others] = resources.filter((resource) => resource.kind === kind)
  if (one === undefined || others.length > 0) throw new Error(`not one ${kind}`)
  return one
}

const oneRoute = stringify({
  version: 1,
  headers: { userId: 'x-acme-user' },
  upstreams: {
    ...{ here: 'http://here:81', there: 'http://there.other.svc.cluster.local:82' },
    ...{ outside: 'https://api.example.com', address: 'http://10.0.0.1:83' },
  },
  routes: ['here', 'there', 'outside', 'address'].map((name) => ({
    ...{ name, match: `GET|HEAD /${name}/{id}`, access: 'public', upstream: name },
    ...(name === 'here' ? { hosts: ['api.example.com'] } : {}),
  })),
})
const headers = ['x-acme-user', 'x-org-id', 'x-org-role', 'x-user-role']
const identity = [...headers, 'x-authz-decision-id', 'x-identity-assertion']

describe('resources of Envoy Gateway', () => {
  it('hold no more than the Gateway API takes', () => {
    const routes = Array.from({ length: 100 }, (_, at) => ({
      ...{ name: `r${at}`, match: `GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE /r${at}` },
      ...{
        access: 'public',
        upstream: 'u',
        hosts: Array.from({ length: 20 }, (_, n) => `h${n}.x`),
      },
    }))
    const policy = policyFrom(stringify({ version: 1, upstreams: { u: 'http://u' }, routes }))
    const all = gatewayApi(policy).filter(({ kind }) => kind === 'HTTPRoute')
    expect(new Set(all.map(({ metadata }) => metadata.name)).size).toBe(all.length)
    for (const { spec } of all) {
      expect(spec.rules.length).toBeLessThanOrEqual(16)
      expect(spec.rules.flatMap(({ matches }) => matches).length).toBeLessThanOrEqual(128)
      expect((spec.hostnames ?? []).length).toBeLessThanOrEqual(16)
    }
    const taken = all.flatMap(({ spec }) => spec.rules.flatMap(({ matches }) => matches))
    expect(taken.filter(({ path }) => path.type === 'Exact')).toHaveLength(100 * 8 * 2)
  })

  it('ask tenantgate about everything, and take identity headers from clients', () => {
    const resources = gatewayApi(policyFrom(oneRoute))
    expect(only(resources, 'SecurityPolicy').spec).toMatchObject({
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'public' }],
      extAuth: {
        ...{ failOpen: false, statusOnError: 503, timeout: '250ms' },
        grpc: { backendRefs: [{ name: 'tenantgate', namespace: 'gate', port: 9191 }] },
      },
    })
    expect(only(resources, 'ClientTrafficPolicy').spec).toMatchObject({
      path: { escapedSlashesAction: 'RejectRequest' },
      headers: { earlyRequestHeaders: { remove: identity }, host: { stripTrailingHostDot: true } },
    })
  })

  it('refer to Services, and to Backends for what is none', () => {
    const resources = gatewayApi(policyFrom(oneRoute))
    const refs = resources
      .filter(({ kind }) => kind === 'HTTPRoute')
      .flatMap(({ spec }) => spec.rules.flatMap(({ backendRefs }) => backendRefs ?? []))
    expect(refs).toContainEqual({ name: 'here', port: 81 })
    expect(refs).toContainEqual({ name: 'there', namespace: 'other', port: 82 })
    const backends = resources.filter(({ kind }) => kind === 'Backend')
    expect(backends.map(({ spec }) => spec)).toEqual([
      { endpoints: [{ ip: { address: '10.0.0.1', port: 83 } }] },
      {
        endpoints: [{ fqdn: { hostname: 'api.example.com', port: 443 } }],
        tls: { wellKnownCACertificates: 'System', sni: 'api.example.com' },
      },
    ])
    const grants = resources.filter(({ kind }) => kind === 'ReferenceGrant')
    expect(
      grants.map(({ metadata, spec }) => [metadata.namespace, spec['from'], spec['to']]),
    ).toEqual([
      [
        'other',
        [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'edge' }],
        [{ group: '', kind: 'Service', name: 'there' }],
      ],
      [
        'gate',
        [{ group: 'gateway.envoyproxy.io', kind: 'SecurityPolicy', namespace: 'edge' }],
        [{ group: '', kind: 'Service', name: 'tenantgate' }],
      ],
    ])
  })

  it('patch Envoy with what Envoy takes', async () => {
    const patches = only(gatewayApi(policyFrom(oneRoute)), 'EnvoyPatchPolicy').spec.jsonPatches
    expect(patches).toMatchObject([
      { name: 'edge/public/http', operation: { path: '/decoder_header_mutation_rules' } },
      { name: 'edge/public/http', operation: { path: '/routes/0' } },
    ])
    const [fence, guard] = patches.map(({ operation }) => operation.value)
    expect(fence).toEqual({
      disallow_all: true,
      allow_expression: { regex: `^(${identity.join('|')})$` },
      disallow_is_error: true,
    })
    const config = parse(shippedEnvoy) as EnvoyConfig
    extAuthz(config)['decoder_header_mutation_rules'] = fence
    const table = connectionManager(config)['route_config'] as {
      virtual_hosts: { routes: unknown[] }[]
    }
    table.virtual_hosts[0]?.routes.unshift(guard)
    await validateEnvoyConfig(servers().envoy, stringify(config))
  })

  it('of a policy that has grown smaller can be pruned: each bears the label', () => {
    const policy = policyFrom(oneRoute)
    const istio = renderIstio(shippedEnvoy, edgeOf(policy), {
      ...{ namespace: 'istio-system', gateway: 'ingressgateway', authz, only: 'resources' },
    })
    for (const { kind, metadata } of [...gatewayApi(policy), ...readResources(istio)]) {
      const labels = { 'app.kubernetes.io/managed-by': 'tenantgate-envoy' }
      expect(metadata, kind).toMatchObject({ labels })
    }
  })

  it('cannot say every policy', () => {
    const route = { access: 'public', upstream: 'u' }
    const policy = policyFrom(
      stringify({
        version: 1,
        upstreams: { u: 'http://u' },
        routes: [
          { ...route, name: 'method', match: 'PURGE /a' },
          { ...route, name: 'host', match: 'GET /a', hosts: ['a_b.example.com'] },
          { ...route, name: 'path', match: `GET /${'a'.repeat(1_024)}` },
          { ...route, name: 'letter', match: 'GET /a|b' },
        ],
      }),
    )
    expect(
      gatewayFaults(edgeOf(policy).hosts)
        .map(({ route }) => route)
        .sort(),
    ).toEqual(['host', 'letter', 'method', 'path'])
  })
})

describe('resources of Istio', () => {
  const target = { namespace: 'istio-system', gateway: 'ingressgateway', authz }
  const edge = edgeOf(policyFrom(oneRoute))
  const resources = readResources(renderIstio(shippedEnvoy, edge, target))

  it('name tenantgate as a provider, and ask it about every request to the gateway', () => {
    expect(resources[0]).toEqual({
      extensionProviders: [
        {
          name: 'tenantgate',
          envoyExtAuthzGrpc: {
            ...{ service: 'tenantgate.gate.svc.cluster.local', port: 9191, timeout: '0.25s' },
            ...{ failOpen: false, statusOnError: '503' },
          },
        },
      ],
    })
    expect(only(resources, 'AuthorizationPolicy').spec).toEqual({
      ...{ selector: { matchLabels: { istio: 'ingressgateway' } }, action: 'CUSTOM' },
      ...{ provider: { name: 'tenantgate' }, rules: [{}] },
    })
  })

  it('can be had without the part that is no resource', () => {
    const parts = readResources(renderIstio(shippedEnvoy, edge, { ...target, only: 'resources' }))
    expect(parts.map(({ kind }) => kind)).toEqual(['AuthorizationPolicy', 'EnvoyFilter'])
  })

  it("merge what Envoy takes into Istio's own configuration", async () => {
    const patches = only(resources, 'EnvoyFilter').spec.configPatches
    const [manager = {}, filter = {}] = patches.map(({ patch }) => patch.value.typed_config)
    const config = parse(shippedEnvoy) as EnvoyConfig
    const { grpc_service: service } = extAuthz(config)
    // What Istio renders by itself, of which the patch is no part.
    for (const key of Object.keys(connectionManager(config))) {
      const kept = ['stat_prefix', 'route_config', 'http_filters']
      if (!kept.includes(key)) Reflect.deleteProperty(connectionManager(config), key)
    }
    Object.assign(connectionManager(config), manager)
    const merged = { ...(service as object), ...(filter['grpc_service'] as object) }
    const theirs = { grpc_service: service, transport_api_version: 'V3' }
    const authzFilter = connectionManager(config).http_filters[0]
    if (authzFilter) authzFilter.typed_config = { ...theirs, ...filter, grpc_service: merged }
    await validateEnvoyConfig(servers().envoy, stringify(config))
    expect(manager['early_header_mutation_extensions']).toMatchObject([
      { typed_config: { mutations: identity.map((remove) => ({ remove })) } },
    ])
    expect(extAuthz(config)['decoder_header_mutation_rules']).toMatchObject({
      allow_expression: { regex: `^(${identity.join('|')})$` },
    })
  })
})
