import { statusOf, type Reason } from './decision.ts'
import type { Decision } from './evaluation.ts'
import type { FactSource } from './fact.ts'

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
  readonly extensions: Readonly<Record<string, string>> | null
  readonly request_id: string | null
  readonly trace_id: string | null
  readonly duration_us: number
  readonly worker: number
}

/** What a record says beyond the decision itself. */
export interface RecordContext {
  readonly decisionId: string
  /** Wall clock at the decision, in ms, and the same as RFC 3339 text in UTC. */
  readonly nowMs: number
  readonly timestamp: string
  readonly durationUs: number
  readonly worker: number
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
    path: evaluation.path,
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
    extensions: request.extensions.size === 0 ? null : Object.fromEntries(request.extensions),
    request_id: request.header('x-request-id') ?? null,
    trace_id: traceId(request.header('traceparent')),
    duration_us: context.durationUs,
    worker: context.worker,
  }
}

/** The trace id of a W3C `traceparent` header (Trace Context section 3.2.2). */
function traceId(traceparent: string | undefined): string | null {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent ?? '')?.[1] ?? null
}
