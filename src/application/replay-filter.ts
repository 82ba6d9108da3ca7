import type { RecordedDecision } from '../domain/recorded.ts'

/** Which decisions are replayed; what is left out plays no part. Plain data, so that it can be sent. */
export interface ReplayFilter {
  /** From this moment on, and before this one: RFC 3339 in UTC with milliseconds, as records have it. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  /** Names of recorded routes: one of them. */
  readonly routes?: readonly string[] | undefined
  /** Ids of the organization that the request names, or else of the token's: one of them. */
  readonly organizations?: readonly string[] | undefined
}

/** The organization that a decision is counted for. */
export function organizationOf({ organization_id, tenant }: RecordedDecision): string | null {
  return tenant ?? organization_id
}

/** Tells whether a decision is to be replayed. */
export function replays(filter: ReplayFilter): (record: RecordedDecision) => boolean {
  const { organizations, routes, since, until } = filter
  return (record) =>
    (routes === undefined || routes.includes(record.route ?? '')) &&
    (organizations === undefined || organizations.includes(organizationOf(record) ?? '')) &&
    // All are of one form, so that their order is that of the texts.
    (since === undefined || record.timestamp >= since) &&
    (until === undefined || record.timestamp < until)
}
