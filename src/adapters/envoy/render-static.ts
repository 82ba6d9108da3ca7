import type { Document } from 'yaml'
import type { Edge } from '../../domain/edge.ts'
import { addressOf, loadAssignment, type Endpoint } from './render-address.ts'
import { tlsSocket, upstreamCluster, type ClientTls } from './render-clusters.ts'
import { needsLongExpressions, virtualHosts } from './render-routes.ts'
import { createNode, nodeAt, parseTemplateFile, replaceAt, type YamlPath } from './render-yaml.ts'

/** What a rendered Envoy is told beside the policy. */
export interface EdgeSettings {
  readonly listen: Endpoint
  readonly admin: Endpoint
  /** tenantgate's workers. */
  readonly authz: readonly Endpoint[]
  /** Where tenantgate's gRPC port speaks TLS. */
  readonly authzTls?: ClientTls | undefined
  /** The certificates by which upstreams with TLS are known. */
  readonly upstreamCa: string
}

const listener: YamlPath = ['static_resources', 'listeners', 0]
const manager: YamlPath = [...listener, 'filter_chains', 0, 'filters', 0, 'typed_config']

/** Where the parts that can be had singly stand in a complete configuration. */
export const partPaths = {
  routes: [...manager, 'route_config'],
  filter: [...manager, 'http_filters', 0],
  cluster: ['static_resources', 'clusters'],
  'early-mutation': [...manager, 'early_header_mutation_extensions'],
} as const satisfies Readonly<Record<string, YamlPath>>

/** Expressions longer than Envoy takes by itself: Envoy Gateway's own bootstrap says the same. */
const longExpressions = {
  layers: [{ name: 'static', static_layer: { 're2.max_program_size.error_level': 4_294_967_295 } }],
}

/** The expression that takes the identity headers and nothing else. */
export const fenceOf = (headers: readonly string[]): string => `^(${headers.join('|')})$`

/**
 * A complete edge configuration: `template` (envoy/envoy.yaml, which the end-to-end tests run) with
 * this policy's routes, upstreams and headers in the place of its own.
 */
export function renderStatic(template: string, edge: Edge, settings: EdgeSettings): Document {
  const document = parseTemplateFile(template)
  const replace = (path: YamlPath, value: unknown): void => replaceAt(document, path, value)
  document.commentBefore = null
  replace(['admin', 'address'], addressOf(settings.admin))
  replace([...listener, 'address'], addressOf(settings.listen))
  replace([...partPaths.routes, 'virtual_hosts'], virtualHosts(edge))
  fillIdentityHeaders(document, edge)
  fillClusters(document, edge, settings)
  if (needsLongExpressions(edge)) {
    document.set('layered_runtime', createNode(document, longExpressions))
  }
  return document
}

function fillIdentityHeaders(document: Document, { identityHeaders }: Edge): void {
  const mutations = identityHeaders.map((remove) => ({ remove }))
  replaceAt(document, [...partPaths['early-mutation'], 0, 'typed_config', 'mutations'], mutations)
  const rules: YamlPath = [...partPaths.filter, 'typed_config', 'decoder_header_mutation_rules']
  replaceAt(document, [...rules, 'allow_expression', 'regex'], fenceOf(identityHeaders))
}

function fillClusters(document: Document, edge: Edge, settings: EdgeSettings): void {
  const { authz, authzTls, upstreamCa } = settings
  const clusters = nodeAt(document, partPaths.cluster)
  const at = (index: number, key: string): YamlPath => [...partPaths.cluster, index, key]
  if (document.getIn(at(0, 'name')) !== 'authz') throw new Error('the template has no authz first')
  replaceAt(document, at(0, 'load_assignment'), loadAssignment('authz', authz))
  // A cluster that resolves names takes no socket files.
  if (authz.some((one) => 'path' in one)) replaceAt(document, at(0, 'type'), 'STATIC')
  if (authzTls !== undefined) {
    const hosts = [...new Set(authz.flatMap((one) => ('host' in one ? [one.host] : [])))]
    const socket = tlsSocket(authzTls, hosts, 'h2')
    document.setIn(at(0, 'transport_socket'), createNode(document, socket))
  }
  const upstreams = edge.upstreams.map((one) =>
    createNode(document, upstreamCluster(one, upstreamCa)),
  )
  const { items } = clusters as unknown as { items: unknown[] }
  items.splice(1, items.length - 1, ...upstreams)
}
