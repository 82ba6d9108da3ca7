/** Why a request is refused: the closed, public list. Never renamed (contract section 4). */
export type DenyReason =
  | 'bad_request'
  | 'ambiguous_path'
  | 'no_route'
  | 'missing_credential'
  | 'malformed_credential'
  | 'invalid_token'
  | 'expired_token'
  | 'tenant_mismatch'
  | 'unknown_user'
  | 'banned'
  | 'not_a_member'
  | 'permission_denied'
  | 'unavailable'

/** The one reason of a decision; only an explicit grant is `granted`. */
export type Reason = DenyReason | 'granted'

/** HTTP status and title a client sees for each refusal. */
const refusals: Readonly<Record<DenyReason, { readonly status: number; readonly title: string }>> =
  {
    bad_request: { status: 400, title: 'The request cannot be read' },
    ambiguous_path: { status: 400, title: 'The path can be read in more than one way' },
    no_route: { status: 403, title: 'No rule covers this request' },
    missing_credential: { status: 401, title: 'A bearer token is required' },
    malformed_credential: { status: 401, title: 'The authorization header is malformed' },
    invalid_token: { status: 401, title: 'The token is not valid' },
    expired_token: { status: 401, title: 'The token has expired' },
    tenant_mismatch: { status: 403, title: 'The token belongs to another organization' },
    unknown_user: { status: 403, title: 'The user does not exist' },
    banned: { status: 403, title: 'The user is banned' },
    not_a_member: { status: 403, title: 'The user is not a member of the organization' },
    permission_denied: { status: 403, title: 'The permission is not granted' },
    unavailable: { status: 503, title: 'The decision could not be made in time' },
  }

/** The reasons in the order of the steps that give them. */
export const denyReasons = Object.keys(refusals) as readonly DenyReason[]

/** HTTP status of a decision with this reason. */
export function statusOf(reason: Reason): number {
  return reason === 'granted' ? 200 : refusals[reason].status
}

/** What a client is told of a refusal; it names nothing of the policy or the subject. */
export function titleOf(reason: DenyReason): string {
  return refusals[reason].title
}
