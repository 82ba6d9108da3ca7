import { AppError } from '../domain/errors.ts'
import { isId } from '../domain/id.ts'
import type { OrganizationRepository, UserPage } from '../ports/organization-repository.ts'
import type { Perspective, User, UserRepository } from '../ports/user-repository.ts'
import type { AuthenticatedSubject } from './authenticate.ts'
import { isPlatformAdmin } from './platform-admin.ts'
import { unlessAborted } from './unless-aborted.ts'

/** Longest address that is looked up, in characters (RFC 5321 section 4.5.3.1: 64 + 1 + 255). */
const maxEmailLength = 320

/**
 * What a subject may know of users. Undefined: there is no such user or organization, or it is not
 * for the subject to know; the two are one answer. A call rejects with `DATABASE_UNAVAILABLE`, and
 * so it does where the signal aborts first.
 */
export interface Users {
  readonly byId: (
    viewer: AuthenticatedSubject,
    id: string,
    signal: AbortSignal,
  ) => Promise<User | undefined>
  readonly byEmail: (
    viewer: AuthenticatedSubject,
    email: string,
    signal: AbortSignal,
  ) => Promise<User | undefined>
  /** Rejects with `INPUT_INVALID` where `after` cannot be the id of a user. */
  readonly ofOrganization: (
    viewer: AuthenticatedSubject,
    organizationId: string,
    page: { readonly limit: number; readonly after: string | null },
    signal: AbortSignal,
  ) => Promise<UserPage | undefined>
}

/** Builds the users that a subject can look up: itself, those it shares an organization with. */
export function createUsers(deps: {
  readonly users: UserRepository
  readonly organizations: Pick<OrganizationRepository, 'usersOf'>
}): Users {
  return {
    async byId(viewer, id, signal) {
      if (!isId(id)) return undefined
      const found = deps.users.byId(id, perspectiveOf(viewer), signal)
      return ifVisible(viewer, await inTime(found, signal))
    },
    async byEmail(viewer, email, signal) {
      // As Better Auth writes it at sign-up.
      const stored = email.toLowerCase()
      if (!isLookedUp(stored)) return undefined
      const found = deps.users.byEmail(stored, perspectiveOf(viewer), signal)
      return ifVisible(viewer, await inTime(found, signal))
    },
    async ofOrganization(viewer, organizationId, page, signal) {
      if (!isId(organizationId)) return undefined
      const asMember = isPlatformAdmin(viewer.fact) ? null : viewer.identity.subject
      const found = deps.organizations.usersOf(organizationId, { ...page, asMember }, signal)
      return inTime(found, signal)
    },
  }
}

function perspectiveOf(viewer: AuthenticatedSubject): Perspective {
  const { organization, subject } = viewer.identity
  return { sharedWith: isPlatformAdmin(viewer.fact) ? null : subject, preferred: organization }
}

/** A membership that is told to who is no platform admin is one that both have. */
function ifVisible(viewer: AuthenticatedSubject, user: User | undefined): User | undefined {
  if (user === undefined) return undefined
  const visible =
    user.id === viewer.identity.subject || user.membership !== null || isPlatformAdmin(viewer.fact)
  return visible ? user : undefined
}

/** Whether a text can stand in an address; PostgreSQL takes no NUL in any. */
function isLookedUp(email: string): boolean {
  return email.length > 0 && email.length <= maxEmailLength && !/[\x00-\x1f\x7f]/.test(email)
}

function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return unlessAborted(work, signal, () => {
    throw new AppError('DATABASE_UNAVAILABLE', 'PostgreSQL did not answer in time')
  })
}
