import type { Edge } from '../../domain/edge.ts'
import type { EdgeHost, EdgeRoute } from '../../domain/edge-table.ts'
import { anyHost } from '../../domain/host.ts'
import { isLongExpression, routeMatch } from './render-match.ts'

/** The name of an upstream's cluster: none of them can take the place of authz. */
export const clusterName = (upstream: string): string => `upstream-${upstream}`

/** What a request gets that has no route, should tenantgate allow it: the policy may be newer. */
export const noRuleBody = '{"type":"urn:tenantgate:no_route","title":"Forbidden","status":403}'

const refusal = {
  direct_response: { status: 403, body: { inline_string: noRuleBody } },
  response_headers_to_add: [
    {
      header: { key: 'content-type', value: 'application/problem+json' },
      append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
    },
  ],
}

/**
 * A host that still ends in a port or a dot has another reading for tenantgate, which takes both
 * off: it would decide by the rules of a host whose routes Envoy did not look at.
 */
export const hostGuard = {
  name: 'host-with-two-readings',
  match: {
    prefix: '/',
    headers: [{ name: ':authority', string_match: { safe_regex: { regex: '.*(?::[0-9]*|[.])' } } }],
  },
  ...refusal,
}

/** Last in each virtual host: tenantgate is asked, so that the refusal is logged; no upstream is. */
const noRule = { name: 'no-rule', match: { prefix: '/' }, ...refusal }

/** The virtual hosts of a policy, as `envoy.config.route.v3.VirtualHost`s. */
export function virtualHosts({ hosts }: Edge): readonly object[] {
  const named = hosts.length > 1
  return hosts.map((host) => ({
    name: nameOf(host),
    domains: host.patterns.map((pattern) => (pattern === anyHost ? '*' : pattern)),
    routes: [
      ...(named && host.patterns.includes(anyHost) ? [hostGuard] : []),
      ...host.routes.map(routeOf),
      noRule,
    ],
  }))
}

const nameOf = ({ patterns }: EdgeHost): string =>
  patterns.includes(anyHost) ? 'policy' : `policy/${patterns[0] ?? ''}`

function routeOf({ methods, name, template, upstream }: EdgeRoute): object {
  return {
    name,
    match: routeMatch(methods, template),
    route: { cluster: clusterName(upstream), timeout: '30s' },
  }
}

/** Whether Envoy needs a higher limit on expressions than its own for these routes. */
export function needsLongExpressions({ hosts }: Edge): boolean {
  return hosts.some(({ routes }) => routes.some(({ template }) => isLongExpression(template)))
}
