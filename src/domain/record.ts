import { statusOf, type Reason } from './decision.ts'
import type { Decision, Evaluation } from './evaluation.ts'
import { extensionKeys } from './extension.ts'
import type { FactSource } from './fact.ts'
import { isId } from './id.ts'
import type { AccessRequest } from './request.ts'
import { readTraceParent } from './trace-context.ts'

/** A decision as it is logged: all that it rested on, nothing secret (contract section 9). */
export interface DecisionRecord {
  readonly type: 'decision'
  readonly decision_id: string
  readonly timestamp: string
  readonly decision: 'allow' | 'deny'
  readonly reason: Reason
  readonly status: number
  readonly mode: 'enforce' | 'shadow'
  readonly policy: string
  readonly route: string | null
  readonly permission: readonly string[]
  readonly method: string
  readonly host: string
  readonly path: string | null
  readonly user_id: string | null
  readonly organization_id: string | null
  readonly tenant: string | null
  readonly token: {
    readonly alg: string
    readonly kid: string | null
    readonly iat: number | null
    readonly exp: number
    readonly organization_id: string | null
    readonly org_roles: readonly string[]
    readonly platform_roles: readonly string[]
  } | null
  readonly fact: {
    readonly source: FactSource
    readonly rows: readonly (readonly string[])[]
    readonly dynamic: Readonly<Record<string, readonly string[]>>
    readonly platform_roles: readonly string[]
    readonly banned: boolean
    readonly user: boolean
    readonly age_ms: number
  } | null
  /** The headers that name a tenant in this policy; null: absent, or no id. Left out with none. */
  readonly tenant_headers?: Readonly<Record<string, string | null>>
  /** What of Envoy's own route plays a part: `access`, `permission`, `path`. */
  readonly extensions: Readonly<Record<string, string>> | null
  readonly request_id: string | null
  /** The trace of the caller, or the one that a span of this check began. */
  readonly trace_id: string | null
  /** The span of this check, where it was traced. */
  readonly span_id?: string
  readonly duration_us: number
  readonly worker: number
  /** Of an allow: the share of allows that are logged, where it is not all of them. */
  readonly share?: number
}

/** What a record says beyond the decision itself. */
export interface RecordContext {
  readonly decisionId: string
  /** Wall clock at the decision, in ms, and the same as RFC 3339 text in UTC. */
  readonly nowMs: number
  readonly timestamp: string
  readonly durationUs: number
  readonly worker: number
  /** The share of allows that are logged, 0 to 1; denials always are. */
  readonly loggedAllows: number
  /** The check's span, where it is traced. */
  readonly span?: { readonly traceId: string; readonly spanId: string } | undefined
}

/** The permissions that the matched rules ask for. */
export function askedPermissions(decision: Decision): readonly string[] {
  return [...new Set(decision.evaluation.guards.flatMap((g) => g.requirement.permissions))]
}

/** Makes the record of a decision. The path is without its query, and no header is in it. */
export function recordOf(decision: Decision, context: RecordContext): DecisionRecord {
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
