import type { DenyReason } from '../domain/decision.ts'
import { refusalOfUser, type AuthenticateDeps, type Identification } from './authenticate.ts'
import { isPlatformAdmin } from './platform-admin.ts'
import type { RateLimit } from './rate-limit.ts'
import { unlessAborted } from './unless-aborted.ts'

/** Whether somebody may administer; `subject` is null where no token says who it is. */
export type AdminAdmission = { readonly subject: string | null } & (
  { readonly admitted: true } | { readonly refusal: DenyReason } | { readonly retryAfterS: number }
)

/** Admits to the admin API. The signal aborts at the deadline; never rejects. */
export type AdminAccess = (request: {
  /** The `authorization` header; repeated ones joined with a comma, which is refused. */
  readonly authorization: string | undefined
  readonly signal: AbortSignal
}) => Promise<AdminAdmission>

/** What admission rests on. */
export interface AdminAccessDeps extends Pick<AuthenticateDeps, 'onFault'> {
  readonly identify: (
    authorization: string | undefined,
    signal: AbortSignal,
  ) => Promise<Identification>
  /** The subject's fact, read from PostgreSQL now: whoever was an admin a moment ago is none. */
  readonly readFact: AuthenticateDeps['readFact']
  /** By subject, and of all admins together. */
  readonly limits: { readonly subject: RateLimit; readonly all: RateLimit }
}

/**
 * Admits the platform roles `admin` and `superadmin`, as `users.role` has them now, with a valid
 * token and no ban. The limit of a subject counts before its fact is read, so that a valid token of
 * anybody costs the database no more; that of all counts admins alone, so that nobody else can use
 * it up. A fault in any part, also a bug, is `unavailable`.
 */
export function createAdminAccess(deps: AdminAccessDeps): AdminAccess {
  return async ({ authorization, signal }) => {
    let subject: string | null = null
    try {
      const admission = admit(authorization, signal, (known) => (subject = known))
      return await unlessAborted(admission, signal, () => ({ subject, refusal: 'unavailable' }))
    } catch (cause) {
      deps.onFault(cause)
      return { subject, refusal: 'unavailable' }
    }
  }

  async function admit(
    authorization: string | undefined,
    signal: AbortSignal,
    tell: (subject: string) => void,
  ): Promise<AdminAdmission> {
    const identified = await deps.identify(authorization, signal)
    if ('refusal' in identified) return { subject: null, refusal: identified.refusal }
    const { identity } = identified
    const { organization, subject } = identity
    tell(subject)
    const excess = deps.limits.subject(subject)
    if (excess !== undefined) return { subject, ...excess }
    const fact = await deps.readFact({ user: subject, organization }, signal)
    const refusal = refusalOfUser(fact)
    if (refusal !== undefined) return { subject, refusal }
    if (!isPlatformAdmin(fact)) return { subject, refusal: 'permission_denied' }
    const excessOfAll = deps.limits.all('')
    return excessOfAll === undefined ? { subject, admitted: true } : { subject, ...excessOfAll }
  }
}
