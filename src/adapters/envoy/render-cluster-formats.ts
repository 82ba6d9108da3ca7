import type { Edge } from '../../domain/edge.ts'
import { at, object, type ConfigObject } from './doctor-dump.ts'
import { gatewayResources } from './render-gateway-api.ts'
import type { GatewayTarget } from './render-gateway-policies.ts'
import { istioResources, meshConfig, type IstioTarget } from './render-istio.ts'
import { resourcesText, type Resource } from './render-kubernetes.ts'
import { partPaths, renderStatic, type EdgeSettings } from './render-static.ts'

const settings: EdgeSettings = {
  listen: { host: '0.0.0.0', port: 10_000 },
  admin: { host: '127.0.0.1', port: 9_901 },
  authz: [],
  upstreamCa: '',
}

/** What the rendered connection manager is, for parts of it that others embed. */
function managerOf(template: string, edge: Edge): ConfigObject {
  const config = renderStatic(template, { ...edge, hosts: [], upstreams: [] }, settings)
  const path = partPaths.routes.slice(0, -1)
  return object(
    path.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], config.toJS()),
  )
}

const filterOf = (manager: ConfigObject): ConfigObject =>
  object(at((manager['http_filters'] as readonly unknown[])[0], 'typed_config'))

const pick = (from: ConfigObject, keys: readonly string[]): ConfigObject =>
  Object.fromEntries(keys.map((key) => [key, from[key]]))

const headOf = ({ version }: Edge): string =>
  `# Rendered by tenantgate envoy from the policy ${version}. Change the policy, not this file.\n`

/** Resources of Envoy Gateway: routes of the Gateway API, and policies that attach to a Gateway. */
export function renderGatewayApi(
  template: string,
  edge: Edge,
  target: Omit<GatewayTarget, 'fence'>,
): string {
  const fence = object(filterOf(managerOf(template, edge))['decoder_header_mutation_rules'])
  return resourcesText(headOf(edge), gatewayResources(edge, { ...target, fence }))
}

/** The parts of what Istio needs: one is no resource, and cannot be applied. */
export const istioParts = ['mesh-config', 'resources'] as const
export type IstioPart = (typeof istioParts)[number]

/** Istio: a provider of MeshConfig, and what makes its gateway ask it. */
export function renderIstio(
  template: string,
  edge: Edge,
  target: Omit<IstioTarget, 'manager' | 'filter'> & { readonly only?: IstioPart | undefined },
): string {
  const manager = managerOf(template, edge)
  const filter = filterOf(manager)
  const full: IstioTarget = {
    ...target,
    manager: {
      ...pick(manager, ['@type', 'normalize_path', 'merge_slashes']),
      ...pick(manager, ['path_with_escaped_slashes_action', 'strip_any_host_port']),
      ...pick(manager, ['strip_trailing_host_dot', 'early_header_mutation_extensions']),
      common_http_protocol_options: pick(object(manager['common_http_protocol_options']), [
        'headers_with_underscores_action',
      ]),
    },
    filter: {
      ...pick(filter, ['@type', 'validate_mutations', 'decoder_header_mutation_rules']),
      ...pick(filter, ['encode_raw_headers', 'deny_at_disable']),
      grpc_service: pick(object(filter['grpc_service']), ['retry_policy']),
    },
  }
  const provider: Resource = {
    comment:
      'Goes to MeshConfig: meshConfig of the Helm chart istiod, or the ConfigMap istio. No resource.',
    value: meshConfig(full),
  }
  const parts = { 'mesh-config': [provider], resources: istioResources(full) }
  const { only } = target
  const rendered = only === undefined ? Object.values(parts).flat() : parts[only]
  return resourcesText(headOf(edge), rendered)
}
