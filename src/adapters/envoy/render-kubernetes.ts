import { Document } from 'yaml'
import type { EdgeUpstream } from '../../domain/edge.ts'
import type { Endpoint } from './render-address.ts'
import { createNode, yamlText } from './render-yaml.ts'

/** A reference to a Service, as the Gateway API writes it. */
export interface ServiceRef {
  readonly name: string
  /** Undefined: that of the resource which refers to it. */
  readonly namespace: string | undefined
  readonly port: number
}

/** `leave`, `leave.prod.svc` or `leave.prod.svc.cluster.local`: `leave.prod` could be a host outside. */
const service =
  /^([a-z](?:[-a-z0-9]*[a-z0-9])?)(?:\.([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)\.svc(?:\.cluster\.local)?)?$/

/** The Service that a cluster's own name stands for; undefined where it is an address or a host outside. */
export function serviceOf(host: string, port: number): ServiceRef | undefined {
  const [, name, namespace] = service.exec(host) ?? []
  return name === undefined ? undefined : { name, namespace, port }
}

/** The Service of an upstream without TLS; the others need a Backend of their own. */
export function upstreamService({ address }: EdgeUpstream): ServiceRef | undefined {
  return address.tls || address.ip !== undefined ? undefined : serviceOf(address.host, address.port)
}

/** The Service of tenantgate, from its address. */
export function authzService(authz: readonly Endpoint[]): ServiceRef | undefined {
  const [endpoint, ...others] = authz
  if (endpoint === undefined || others.length > 0 || 'path' in endpoint) return undefined
  return serviceOf(endpoint.host, endpoint.port)
}

/** A `backendRef` to a Service, seen from a namespace. */
export function backendRef({ name, namespace, port }: ServiceRef, from: string): object {
  return { name, ...(namespace === undefined || namespace === from ? {} : { namespace }), port }
}

const versions = {
  HTTPRoute: 'gateway.networking.k8s.io/v1',
  ReferenceGrant: 'gateway.networking.k8s.io/v1beta1',
  HTTPRouteFilter: 'gateway.envoyproxy.io/v1alpha1',
  Backend: 'gateway.envoyproxy.io/v1alpha1',
  SecurityPolicy: 'gateway.envoyproxy.io/v1alpha1',
  ClientTrafficPolicy: 'gateway.envoyproxy.io/v1alpha1',
  EnvoyPatchPolicy: 'gateway.envoyproxy.io/v1alpha1',
  AuthorizationPolicy: 'security.istio.io/v1',
  EnvoyFilter: 'networking.istio.io/v1alpha3',
} as const

/**
 * By which what was rendered before and is no longer can be found, and pruned: an HTTPRoute that stays
 * behind leads to where an older policy led.
 */
const labels = { 'app.kubernetes.io/managed-by': 'tenantgate-envoy' }

/** A resource of one of the kinds that are rendered. */
export function resource(
  kind: keyof typeof versions,
  name: string,
  namespace: string,
  spec: object,
): object {
  return { apiVersion: versions[kind], kind, metadata: { name, namespace, labels }, spec }
}

/** Lets resources of a namespace refer to a Service in another, which its owner has to agree to. */
export function referenceGrant(
  { name, namespace }: ServiceRef,
  from: { readonly kind: 'HTTPRoute' | 'SecurityPolicy'; readonly namespace: string },
): readonly Resource[] {
  if (namespace === undefined || namespace === from.namespace) return []
  const [group = ''] = versions[from.kind].split('/')
  const value = resource('ReferenceGrant', `tenantgate-${name}`, namespace, {
    from: [{ group, ...from }],
    to: [{ group: '', kind: 'Service', name }],
  })
  return [{ value }]
}

/** A resource, and what a reader should know of it. */
export interface Resource {
  readonly comment?: string
  readonly value: object
}

/** Resources as one file of several YAML documents. */
export function resourcesText(head: string, resources: readonly Resource[]): string {
  const texts = resources.map(({ comment, value }) => {
    const document = new Document()
    document.contents = createNode(document, value)
    const note = (comment ?? '').split('\n').filter((line) => line !== '')
    return note.map((line) => `# ${line}\n`).join('') + yamlText(document)
  })
  return `${head}---\n${texts.join('---\n')}`
}
