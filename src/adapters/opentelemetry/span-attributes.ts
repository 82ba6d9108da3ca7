import type { Attributes } from '@opentelemetry/api'
import type { Decision } from '../../domain/evaluation.ts'
import type { Policy } from '../../domain/policy.ts'
import type { AccessRequest } from '../../domain/request.ts'

/** The name of a check's span, by the conventions for gRPC: the method that was called. */
export const spanName = 'envoy.service.auth.v3.Authorization/Check'

/** Methods that the conventions know; any other is a client's words, and becomes `_OTHER`. */
const knownMethods = new Set(
  'CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE'.split(' '),
)

/**
 * What a span says from its beginning. Not the path, nor its parameters, nor who asks: those are
 * in the decision log, under the span's `tenantgate.decision_id`.
 */
export function requestAttributes({ method }: AccessRequest): Attributes {
  return {
    'rpc.system.name': 'grpc',
    'rpc.method': spanName,
    'http.request.method': knownMethods.has(method) ? method : '_OTHER',
  }
}

/** What a span says at its end; what is not known is left out. */
export function decisionAttributes({ evaluation, reason }: Decision, id: string): Attributes {
  const { fact, policy, settings } = evaluation
  return {
    'tenantgate.decision': reason === 'granted' ? 'allow' : 'deny',
    'tenantgate.reason': reason,
    'tenantgate.policy': policy.version,
    'tenantgate.decision_id': id,
    ...(settings !== null && {
      'tenantgate.route': settings.name,
      'tenantgate.mode': settings.mode,
      'http.route': templatesOf(policy).get(settings.name),
    }),
    ...(fact !== null && { 'tenantgate.source': fact.source }),
  }
}

const templates = new WeakMap<Policy, ReadonlyMap<string, string>>()

/** The path template of each of a policy's routes, by name. */
function templatesOf(policy: Policy): ReadonlyMap<string, string> {
  const known = templates.get(policy)
  if (known !== undefined) return known
  const found = new Map(
    policy.definition.routes.map(({ match, name }) => [name, match.slice(match.indexOf(' ') + 1)]),
  )
  templates.set(policy, found)
  return found
}
