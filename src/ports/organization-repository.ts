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

/** Reads organizations and who is in them; rejects with `DATABASE_UNAVAILABLE`. */
export interface OrganizationRepository {
  readonly byId: (id: string) => Promise<Organization | undefined>
  /** Every `members` row of a user in an organization; Better Auth allows several. */
  readonly membershipsOf: (userId: string, organizationId: string) => Promise<readonly Membership[]>
}
