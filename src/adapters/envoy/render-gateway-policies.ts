import type { Edge } from '../../domain/edge.ts'
import { backendRef, resource, type Resource, type ServiceRef } from './render-kubernetes.ts'
import { hostGuard, noRuleBody } from './render-routes.ts'

/** Envoy Gateway's Gateway, and how tenantgate is reached. */
export interface GatewayTarget {
  readonly namespace: string
  readonly gateway: string
  readonly listener: string
  readonly authz: ServiceRef
  /** `decoder_header_mutation_rules`, as Envoy takes them. */
  readonly fence: object
}

const policyName = 'tenantgate'
/** The filter that answers what no route takes. */
export const refusalName = 'tenantgate-no-rule'

/** What attaches to a Gateway, and the filter that its routes refer to. */
export function gatewayPolicies(edge: Edge, target: GatewayTarget): readonly Resource[] {
  return [
    refusal(target),
    securityPolicy(target),
    clientTrafficPolicy(edge, target),
    patchPolicy(edge, target),
  ]
}

const refusal = ({ namespace }: GatewayTarget): Resource => ({
  comment:
    'What no route takes: tenantgate is asked, so that the refusal is logged; no upstream is.',
  value: resource('HTTPRouteFilter', refusalName, namespace, {
    directResponse: {
      statusCode: 403,
      contentType: 'application/problem+json',
      body: { type: 'Inline', inline: noRuleBody },
    },
  }),
})

const targetOf = ({ gateway }: GatewayTarget): object => ({
  group: 'gateway.networking.k8s.io',
  kind: 'Gateway',
  name: gateway,
})

function securityPolicy(target: GatewayTarget): Resource {
  const backendSettings = {
    retry: {
      numRetries: 1,
      perRetry: { backOff: { baseInterval: '5ms', maxInterval: '120ms' } },
      retryOn: { triggers: ['connect-failure', 'refused-stream', 'reset', 'unavailable'] },
    },
    healthCheck: {
      active: {
        type: 'GRPC',
        timeout: '500ms',
        interval: '2s',
        unhealthyThreshold: 2,
        healthyThreshold: 1,
      },
    },
  }
  const value = resource('SecurityPolicy', policyName, target.namespace, {
    targetRefs: [targetOf(target)],
    extAuth: {
      failOpen: false,
      timeout: '250ms',
      statusOnError: 503,
      grpc: { backendRefs: [backendRef(target.authz, target.namespace)], backendSettings },
    },
  })
  return { comment: 'Every route of the Gateway asks tenantgate.', value }
}

function clientTrafficPolicy({ identityHeaders }: Edge, target: GatewayTarget): Resource {
  const value = resource('ClientTrafficPolicy', policyName, target.namespace, {
    targetRefs: [targetOf(target)],
    path: { escapedSlashesAction: 'RejectRequest', disableMergeSlashes: false },
    headers: {
      earlyRequestHeaders: { remove: identityHeaders },
      host: { stripTrailingHostDot: true },
      withUnderscoresAction: 'RejectRequest',
    },
  })
  const comment = 'Identity headers never come from a client; one spelling per path and host.'
  return { comment, value }
}

/** What only Envoy itself can be told: the fence, and a guard on hosts where routes have some. */
function patchPolicy(edge: Edge, target: GatewayTarget): Resource {
  const { fence, gateway, listener, namespace } = target
  const name = `${namespace}/${gateway}/${listener}`
  const filter = `envoy.filters.http.ext_authz/securitypolicy/${namespace}/${policyName}`
  const fencePatch = {
    type: 'type.googleapis.com/envoy.config.listener.v3.Listener',
    name,
    operation: {
      op: 'add',
      jsonPath: `..http_filters[?(@.name=='${filter}')].typed_config`,
      path: '/decoder_header_mutation_rules',
      value: fence,
    },
  }
  const guardPatch = {
    type: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
    name,
    operation: {
      op: 'add',
      jsonPath: "..virtual_hosts[?(@.domains[0]=='*')]",
      path: '/routes/0',
      value: hostGuard,
    },
  }
  const value = resource('EnvoyPatchPolicy', policyName, namespace, {
    targetRef: targetOf(target),
    type: 'JSONPatch',
    jsonPatches: [fencePatch, ...(edge.hosts.length > 1 ? [guardPatch] : [])],
  })
  const comment = `tenantgate may set these request headers and no other; without it, also :path and host.
Needs extensionApis.enableEnvoyPatchPolicy in EnvoyGateway.`
  return { comment, value }
}
