import type { PolicyRecord } from './policy-record.ts'
import type { DecisionRecord } from './record.ts'

/** What tells instances apart, as OPA's own labels do. */
export interface OpaLabels {
  readonly app: string
  readonly id: string
  readonly version: string
}

/**
 * An event of Open Policy Agent's decision log
 * (https://www.openpolicyagent.org/docs/management-decision-logs), as its collectors read it. What
 * it has no field for stands whole under `custom`, so that it replays like a line of our own.
 */
export interface OpaEvent {
  readonly labels: OpaLabels
  readonly decision_id: string
  readonly trace_id?: string
  readonly bundles?: Readonly<Record<string, { readonly revision: string }>>
  readonly path: string
  readonly input?: object
  readonly result?: object
  readonly requested_by?: string
  readonly timestamp: string
  readonly metrics?: Readonly<Record<string, number>>
  readonly custom: { readonly tenantgate: DecisionRecord | PolicyRecord }
}

const nanosPerMicro = 1_000

/** The event of a decision. `result.allowed` is what the policy said, also in shadow mode. */
export function opaDecisionEvent(record: DecisionRecord, labels: OpaLabels): OpaEvent {
  const { decision, host, method, path, reason, request_id, status, trace_id, user_id } = record
  return {
    labels,
    decision_id: record.decision_id,
    ...(trace_id !== null && { trace_id }),
    bundles: { policy: { revision: record.policy } },
    path: 'tenantgate/decision',
    // The shape of Envoy's CheckRequest, which OPA's Envoy plugin logs as its input.
    input: {
      attributes: {
        request: { http: { ...(request_id !== null && { id: request_id }), method, host, path } },
      },
    },
    result: {
      allowed: decision === 'allow',
      http_status: status,
      reason,
      ...(record.route !== null && { route: record.route }),
    },
    ...(user_id !== null && { requested_by: user_id }),
    timestamp: record.timestamp,
    metrics: { timer_server_handler_ns: record.duration_us * nanosPerMicro },
    custom: { tenantgate: record },
  }
}

/** The event of a policy that was loaded: no query was asked, so it has no input and no result. */
export function opaPolicyEvent(record: PolicyRecord, labels: OpaLabels): OpaEvent {
  return {
    labels,
    decision_id: `policy ${record.policy} ${record.timestamp}`,
    bundles: { policy: { revision: record.policy } },
    path: 'tenantgate/policy',
    timestamp: record.timestamp,
    custom: { tenantgate: record },
  }
}
