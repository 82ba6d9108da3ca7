/** A user as Better Auth's tables tell it; nothing here can be written. */
export interface User {
  readonly id: string
  readonly email: string
  readonly emailVerified: boolean
  readonly name: string
  readonly image: string | null
  readonly isAnonymous: boolean
  /** `users.role` as it stands, NULL read as `user`. */
  readonly role: string
  /** Banned now; an expired ban is none. */
  readonly banned: boolean
  readonly banReason: string | null
  readonly banExpires: Date | null
  /** The one membership that is told with the user; null: none that may be. */
  readonly membership: UserMembership | null
}

/** What the `members` rows of a user in one organization say together. */
export interface UserMembership {
  readonly organizationId: string
  /** The roles that every row holds; Better Auth allows several rows. */
  readonly roles: readonly string[]
  /** Of the oldest row; null where the table has no such column, or none that may be read. */
  readonly managerId: string | null
  readonly departmentId: string | null
}

/** Through whose eyes a user is seen: which membership may be told. */
export interface Perspective {
  /** Only organizations that this user is in too, as the tables say now; null: any. */
  readonly sharedWith: string | null
  /** The organization that is told where it is one of those; else the one joined first. */
  readonly preferred: string | null
}

/**
 * Reads users, each by one statement. A call rejects with `DATABASE_UNAVAILABLE` where the database
 * does not answer. Without a perspective no membership is told.
 */
export interface UserRepository {
  readonly byId: (
    id: string,
    perspective?: Perspective,
    signal?: AbortSignal,
  ) => Promise<User | undefined>
  /** The address is compared exactly: Better Auth stores it in lower case. */
  readonly byEmail: (
    email: string,
    perspective?: Perspective,
    signal?: AbortSignal,
  ) => Promise<User | undefined>
}
