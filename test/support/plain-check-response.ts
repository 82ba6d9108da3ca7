import type { DenyReason } from '../../src/domain/decision.ts'
import { statusOf, titleOf } from '../../src/domain/decision.ts'
import type { Decision } from '../../src/domain/evaluation.ts'
import {
  decisionIdHeader,
  injectedHeaders,
  provenIdentity,
} from '../../src/domain/injected-headers.ts'
import { askedPermissions } from '../../src/domain/record.ts'
import type { CheckResponse, HeaderValueOption } from './loaded-check.ts'

/** google.rpc.Code by HTTP status. Any code but OK denies; these are only for people to read. */
const rpcCodes: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 503: 14 }
const permissionDenied = 7

/** The answer to Envoy: headers to set and remove on a pass, a problem document on a denial. */
export function toCheckResponse(
  decision: Decision,
  decisionId: string,
  assertion?: string | null,
): CheckResponse {
  const dynamic_metadata = metadataOf(decision, decisionId)
  const { reason } = decision
  if (decision.passes) {
    const { set, remove } = injectedHeaders(decision, decisionId, assertion)
    return {
      status: { code: 0 },
      ok_response: {
        headers: set.map(([name, value]) => overwrite(name, value)),
        headers_to_remove: remove,
      },
      dynamic_metadata,
    }
  }
  // Only a grant has no denial; should one not pass, it is a bug, and bugs deny.
  const denial = denialOf(reason === 'granted' ? 'unavailable' : reason, decisionId)
  return { ...denial, dynamic_metadata }
}

/** A denial (RFC 9457); the body names nothing of the policy or the subject. */
export function denialOf(reason: DenyReason, decisionId: string): CheckResponse {
  const status = statusOf(reason)
  const headers = [
    overwrite('content-type', 'application/problem+json'),
    overwrite(decisionIdHeader, decisionId),
  ]
  if (status === 401) headers.push(overwrite('www-authenticate', 'Bearer')) // RFC 6750 section 3
  if (status === 503) headers.push(overwrite('retry-after', '1'))
  return {
    status: { code: rpcCodes[status] ?? permissionDenied },
    denied_response: {
      status: { code: status },
      headers,
      body: JSON.stringify({
        type: `urn:tenantgate:${reason}`,
        title: titleOf(reason),
        status,
        decision_id: decisionId,
      }),
    },
  }
}

/**
 * The action is always named: what Envoy does without one has differed between releases (envoy
 * issue 43310), and a header of the client must never survive beside ours.
 */
function overwrite(key: string, value: string): HeaderValueOption {
  return { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }
}

function metadataOf(
  decision: Decision,
  decisionId: string,
): NonNullable<CheckResponse['dynamic_metadata']> {
  const { evaluation, reason } = decision
  const proven = provenIdentity(decision)
  const values: Readonly<Record<string, string | null | undefined>> = {
    decision_id: decisionId,
    reason,
    route: evaluation.settings?.name,
    permission: askedPermissions(decision).join(','),
    user_id: evaluation.identity?.subject,
    organization_id: evaluation.tenancy?.tenant ?? evaluation.identity?.organization,
    org_role: proven.organizationRoles.join(','),
    source: evaluation.fact?.source,
    policy: evaluation.policy.version,
  }
  const fields: Record<string, { stringValue: string }> = {}
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== '') fields[name] = { stringValue: value }
  }
  return { fields }
}
