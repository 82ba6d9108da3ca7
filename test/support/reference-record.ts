import { statusOf } from '../../src/domain/decision.ts'
import type { Decision, Evaluation } from '../../src/domain/evaluation.ts'
import { extensionKeys } from '../../src/domain/extension.ts'
import { isId } from '../../src/domain/id.ts'
import type { DecisionRecord, RecordContext } from '../../src/domain/record.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import { readTraceParent } from '../../src/domain/trace-context.ts'

/** The permissions that the matched rules ask for. */
function askedPermissions(decision: Decision): readonly string[] {
  return [...new Set(decision.evaluation.guards.flatMap((g) => g.requirement.permissions))]
}

/** A record made anew from beginning to end. What shares its parts with others has to come out alike. */
export function referenceRecord(decision: Decision, context: RecordContext): DecisionRecord {
  const { reason, evaluation } = decision
  const { policy, request, settings, identity, tenancy, fact } = evaluation
  return {
    type: 'decision',
    decision_id: context.decisionId,
    timestamp: context.timestamp,
    decision: reason === 'granted' ? 'allow' : 'deny',
    reason,
    status: statusOf(reason),
    mode: settings?.mode ?? 'enforce',
    policy: policy.version,
    route: settings?.name ?? null,
    permission: askedPermissions(decision),
    method: request.method,
    host: request.host,
    path: withoutFragment(evaluation.path),
    user_id: identity?.subject ?? null,
    organization_id: identity?.organization ?? null,
    tenant: tenancy?.tenant ?? null,
    token: identity && {
      alg: identity.algorithm,
      kid: identity.keyId,
      iat: identity.issuedAtS,
      exp: identity.expiresAtS,
      organization_id: identity.organization,
      org_roles: identity.organizationRoles,
      platform_roles: identity.platformRoles,
    },
    fact: fact && {
      source: fact.source,
      rows: fact.rows,
      dynamic: Object.fromEntries(fact.dynamic),
      platform_roles: fact.platformRoles,
      banned: fact.banned,
      user: fact.user,
      age_ms: Math.max(0, Math.round(context.nowMs - fact.verifiedAtMs)),
    },
    ...tenantHeaders(evaluation),
    extensions: heededExtensions(request.extensions),
    request_id: request.header('x-request-id') ?? null,
    ...traceOf(request, context),
    duration_us: context.durationUs,
    worker: context.worker,
    ...(reason === 'granted' && context.loggedAllows < 1 ? { share: context.loggedAllows } : {}),
  }
}

/** No fragment belongs into a request. One that is there is refused by its `#`, and may be a secret. */
function withoutFragment(path: string | null): string | null {
  const hash = path?.indexOf('#') ?? -1
  return path === null || hash < 0 ? path : path.slice(0, hash + 1)
}

/** What a client wrote there is kept where it can be a tenant at all. */
function tenantHeaders({ policy, request }: Evaluation): Pick<DecisionRecord, 'tenant_headers'> {
  if (policy.tenantHeaders.length === 0) return {}
  const named = policy.tenantHeaders.map((name) => {
    const value = request.header(name)
    return [name, isId(value) ? value : null] as const
  })
  return { tenant_headers: Object.fromEntries(named) }
}

/** What else an operator writes on a route of Envoy plays no part, and may be a secret. */
function heededExtensions(extensions: ReadonlyMap<string, string>): DecisionRecord['extensions'] {
  if (extensions.size === 0) return null
  const heeded = extensionKeys.flatMap((key) => {
    const value = extensions.get(key)
    return value === undefined ? [] : [[key, value] as const]
  })
  return heeded.length === 0 ? null : Object.fromEntries(heeded)
}

/** Where the decision is found in a tracing system. */
function traceOf(
  request: AccessRequest,
  { span }: RecordContext,
): Pick<DecisionRecord, 'trace_id' | 'span_id'> {
  if (span !== undefined) return { trace_id: span.traceId, span_id: span.spanId }
  return { trace_id: readTraceParent(request.header('traceparent'))?.traceId ?? null }
}
