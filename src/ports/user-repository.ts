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
}

/** Reads users. Each call rejects with `DATABASE_UNAVAILABLE` where the database does not answer. */
export interface UserRepository {
  readonly byId: (id: string) => Promise<User | undefined>
  /** The address is compared exactly: Better Auth stores it in lower case. */
  readonly byEmail: (email: string) => Promise<User | undefined>
}
