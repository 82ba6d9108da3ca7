import { resource, type Resource, type ServiceRef } from './render-kubernetes.ts'

/** Istio's gateway, and how tenantgate is reached. */
export interface IstioTarget {
  readonly namespace: string
  /** The value of the label `istio` of the gateway's pods. */
  readonly gateway: string
  readonly authz: Required<ServiceRef>
  /** Settings of the connection manager that Istio has no words for, as Envoy takes them. */
  readonly manager: object
  /** Settings of the ext_authz filter, likewise. */
  readonly filter: object
}

const name = 'tenantgate'
const managerName = 'envoy.filters.network.http_connection_manager'
const filterName = 'envoy.filters.http.ext_authz'

/** The part of Istio's MeshConfig that names tenantgate as a provider. */
export function meshConfig({ authz }: IstioTarget): object {
  const service = `${authz.name}.${authz.namespace ?? 'default'}.svc.cluster.local`
  const envoyExtAuthzGrpc = {
    service,
    port: authz.port,
    timeout: '0.25s',
    failOpen: false,
    statusOnError: '503',
  }
  return { extensionProviders: [{ name, envoyExtAuthzGrpc }] }
}

/** The resources of Istio: what is permitted is said by the policy alone, so none hold routes. */
export function istioResources(target: IstioTarget): readonly Resource[] {
  const { gateway, namespace } = target
  const labels = { istio: gateway }
  const authorization = resource('AuthorizationPolicy', name, namespace, {
    selector: { matchLabels: labels },
    action: 'CUSTOM',
    provider: { name },
    rules: [{}],
  })
  const filter = resource('EnvoyFilter', name, namespace, {
    workloadSelector: { labels },
    configPatches: [
      patch(
        'NETWORK_FILTER',
        { name: managerName },
        { name: managerName, typed_config: target.manager },
      ),
      patch(
        'HTTP_FILTER',
        { name: managerName, subFilter: { name: filterName } },
        { name: filterName, typed_config: target.filter },
      ),
    ],
  })
  return [
    { comment: 'Every request to the gateway asks tenantgate.', value: authorization },
    {
      comment:
        'Identity headers never come from a client; one spelling per path and host; tenantgate may set\nthese request headers and no other.',
      value: filter,
    },
  ]
}

function patch(applyTo: string, filter: object, value: object): object {
  return {
    applyTo,
    match: { context: 'GATEWAY', listener: { filterChain: { filter } } },
    patch: { operation: 'MERGE', value },
  }
}
