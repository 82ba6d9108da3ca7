import type { User } from './user-repository.ts'

/** An organization as Better Auth's table tells it. */
export interface Organization {
  readonly id: string
  readonly name: string
  readonly slug: string
}

/** One `members` row. */
export interface Membership {
  readonly organizationId: string
  readonly userId: string
  readonly roles: readonly string[]
}

/** Which of an organization's users are asked for. */
export interface UserPageRequest {
  /** Only if this user is a member, as the tables say now; null: in any case. */
  readonly asMember: string | null
  /** Users at most, 1 or more. */
  readonly limit: number
  /** The id of the last user that was told before; null: from the beginning. */
  readonly after: string | null
}

/** Some of an organization's users, each once, in the order of the ids' column. */
export interface UserPage {
  readonly users: readonly User[]
  /** What the next page is asked for after; null: there are no more. */
  readonly next: string | null
}

/** Reads organizations and who is in them; rejects with `DATABASE_UNAVAILABLE`. */
export interface OrganizationRepository {
  readonly byId: (id: string) => Promise<Organization | undefined>
  /** Every `members` row of a user in an organization; Better Auth allows several. */
  readonly membershipsOf: (userId: string, organizationId: string) => Promise<readonly Membership[]>
  /**
   * Users with their membership of this organization, by one statement. Undefined: there is no such
   * organization, or it is not open to who asks. Rejects with `INPUT_INVALID` where `after` cannot
   * be the id of a user.
   */
  readonly usersOf: (
    organizationId: string,
    page: UserPageRequest,
    signal?: AbortSignal,
  ) => Promise<UserPage | undefined>
}
