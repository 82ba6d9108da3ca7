import { edgeTable, type EdgeHost, type EdgeRoute } from './edge-table.ts'
import { identityHeaderNames } from './identity-headers.ts'
import type { Policy, PolicyDefinition, RouteDefinition } from './policy.ts'
import type { PolicyPath } from './policy-reader.ts'
import { parseTemplate } from './template.ts'
import { readUpstreamAddress, type UpstreamAddress } from './upstream-address.ts'

/** An upstream that a gateway connects to. */
export interface EdgeUpstream {
  readonly name: string
  readonly address: UpstreamAddress
}

/** All that a gateway has to know of a policy, whatever gateway it is. */
export interface Edge {
  /** The policy's version. */
  readonly version: string
  readonly hosts: readonly EdgeHost[]
  readonly upstreams: readonly EdgeUpstream[]
  /** Headers that clients may never send, and that tenantgate alone may set; lower case. */
  readonly identityHeaders: readonly string[]
}

/** Why a policy cannot be rendered; a route is told by its name, its place is the file's matter. */
export type EdgeFault = { readonly message: string } & (
  { readonly route: string; readonly key?: string } | { readonly path: PolicyPath }
)

/**
 * Reads what a gateway needs of a policy, or says all that is missing. Without `routes` only what
 * does not depend on them is read, so that a policy without upstreams will do.
 */
export function planEdge(
  policy: Policy,
  { routes: withRoutes = true }: { readonly routes?: boolean } = {},
): { readonly edge: Edge } | { readonly faults: readonly EdgeFault[] } {
  const { definition, version } = policy
  const faults: EdgeFault[] = []
  const upstreams: EdgeUpstream[] = []
  for (const [name, url] of Object.entries(definition.upstreams)) {
    const address = readUpstreamAddress(url)
    if ('why' in address) faults.push({ path: ['upstreams', name], message: address.why })
    else upstreams.push({ name, address })
  }
  const routes: EdgeRoute[] = []
  for (const route of withRoutes ? definition.routes : []) {
    const planned = planRoute(route, definition)
    if (planned === undefined) {
      const message =
        'the route has no upstream: add upstream: NAME, or defaultUpstream: NAME to the policy'
      faults.push({ route: route.name, message })
    } else routes.push(planned)
  }
  if (faults.length > 0) return { faults }
  const identityHeaders = identityHeaderNames(definition.headers)
  return { edge: { version, hosts: edgeTable(routes), upstreams, identityHeaders } }
}

function planRoute(
  { hosts, match, name, upstream }: RouteDefinition,
  { defaultUpstream }: PolicyDefinition,
): EdgeRoute | undefined {
  const target = upstream ?? defaultUpstream
  if (target === undefined) return undefined
  const [methods = '', path = ''] = match.split(' ')
  const template = parseTemplate(path)
  if ('faults' in template) throw new Error(`a policy that loaded holds the template ${path}`)
  return { name, methods: methods.split('|'), template, hosts: hosts ?? [], upstream: target }
}
