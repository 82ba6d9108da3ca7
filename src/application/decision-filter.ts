import type { Reason } from '../domain/decision.ts'
import type { DecisionRecord } from '../domain/record.ts'

/** Which decisions are asked for; what is left out plays no part. */
export interface DecisionFilter {
  readonly decision?: 'allow' | 'deny'
  readonly reason?: Reason
  /** Name of the route. */
  readonly route?: string
  /** Id of the token's user. */
  readonly user?: string
  /** Id of the organization that the request names, or else of the token's. */
  readonly organization?: string
  readonly status?: number
  readonly mode?: 'enforce' | 'shadow'
  /** RFC 3339 in UTC with milliseconds, as records have it: from this moment on. */
  readonly since?: string
  /** The same: before this moment. */
  readonly until?: string
}

/** Tells whether a record is asked for. */
export function matchesFilter(filter: DecisionFilter): (record: DecisionRecord) => boolean {
  const { decision, mode, organization, reason, route, since, status, until, user } = filter
  return (record) =>
    (decision === undefined || record.decision === decision) &&
    (reason === undefined || record.reason === reason) &&
    (route === undefined || record.route === route) &&
    (user === undefined || record.user_id === user) &&
    (organization === undefined || (record.tenant ?? record.organization_id) === organization) &&
    (status === undefined || record.status === status) &&
    (mode === undefined || record.mode === mode) &&
    // All are of one form, so that their order is that of the texts.
    (since === undefined || record.timestamp >= since) &&
    (until === undefined || record.timestamp < until)
}
