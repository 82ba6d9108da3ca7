import { statusOf, type Reason } from './decision.ts'
import type { Decision, Evaluation } from './evaluation.ts'
import { extensionKeys } from './extension.ts'
import type { FactSource } from './fact.ts'
import { isId } from './id.ts'
import { recordedToken } from './identity.ts'
import { factRecord } from './remembered-fact.ts'
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
export function askedPermissions({ evaluation: { guards } }: Decision): readonly string[] {
  const [first, ...others] = guards
  if (first === undefined) return []
  // The list itself, the same for each request: no rule names one twice.
  if (others.length === 0) return first.requirement.permissions
  return [...new Set(guards.flatMap(({ requirement }) => requirement.permissions))]
}

/** Makes the record of a decision. The path is without its query, and no header is in it. */
export function recordOf(decision: Decision, context: RecordContext): DecisionRecord {
  const { reason, evaluation } = decision
  const { policy, request, settings, identity, tenancy, fact } = evaluation
  const { span } = context
  const record: DecisionRecord = {
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
    token: identity && recordedToken(identity),
    fact: fact && factRecord(fact, context.nowMs),
    extensions: heededExtensions(request.extensions),
    request_id: request.header('x-request-id') ?? null,
    trace_id: span?.traceId ?? readTraceParent(request.header('traceparent'))?.traceId ?? null,
    duration_us: context.durationUs,
    worker: context.worker,
  }
  const isShare = reason === 'granted' && context.loggedAllows < 1
  if (policy.tenantHeaders.length === 0 && span === undefined && !isShare) return record
  return withOptional(record, {
    tenant_headers: policy.tenantHeaders.length === 0 ? undefined : tenantHeaders(evaluation),
    span_id: span?.spanId,
    share: isShare ? context.loggedAllows : undefined,
  })
}

/** Most records hold none of these. Where they do, each stands where records have always had it. */
function withOptional(
  { duration_us, extensions, request_id, trace_id, worker, ...before }: DecisionRecord,
  optional: {
    readonly tenant_headers: DecisionRecord['tenant_headers'] | undefined
    readonly span_id: string | undefined
    readonly share: number | undefined
  },
): DecisionRecord {
  const { share, span_id, tenant_headers } = optional
  return {
    ...before,
    ...(tenant_headers !== undefined && { tenant_headers }),
    ...{ extensions, request_id, trace_id },
    ...(span_id !== undefined && { span_id }),
    ...{ duration_us, worker },
    ...(share !== undefined && { share }),
  }
}

/** No fragment belongs into a request. One that is there is refused by its `#`, and may be a secret. */
function withoutFragment(path: string | null): string | null {
  const hash = path?.indexOf('#') ?? -1
  return path === null || hash < 0 ? path : path.slice(0, hash + 1)
}

/** What a client wrote there is kept where it can be a tenant at all. */
function tenantHeaders({ policy, request }: Evaluation): Readonly<Record<string, string | null>> {
  const named = policy.tenantHeaders.map((name) => {
    const value = request.header(name)
    return [name, isId(value) ? value : null] as const
  })
  return Object.fromEntries(named)
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
