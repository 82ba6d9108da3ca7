import type { FactSource } from '../../src/ports/fact-source.ts'
import type { OrganizationRepository } from '../../src/ports/organization-repository.ts'
import type { UserRepository } from '../../src/ports/user-repository.ts'

/** A user as a test states it; what is left out is as Better Auth makes it. */
export interface UserRow {
  readonly id: string
  readonly email?: string
  readonly emailVerified?: boolean
  readonly name?: string
  readonly image?: string | null
  readonly role?: string | null
  readonly banned?: boolean | null
  readonly banReason?: string | null
  /** Seconds from now, by the clock of the tables. */
  readonly banExpiresInS?: number | null
  readonly isAnonymous?: boolean | null
}

export interface OrganizationRow {
  readonly id: string
  readonly name?: string
  readonly slug?: string
}

export interface MemberRow {
  readonly user: string
  readonly organization: string
  readonly role: string
  readonly managerId?: string | null
  readonly departmentId?: string | null
  /** A name of the row; left out: one of its own. */
  readonly id?: string
  /** Seconds into 2025, to the microsecond; left out: later than every row that was added before. */
  readonly createdAtS?: number
}

export interface OrganizationRoleRow {
  readonly organization: string
  readonly role: string
  readonly permission: string
}

/**
 * Better Auth's tables with the adapters that read them, whatever holds them. Names of users and
 * organizations are the test's; `id` gives the id that stands for one.
 */
export interface Tables {
  readonly id: (name: string) => string
  /** Whether any text can be an id, or only what the columns' type can hold. */
  readonly anyId: boolean
  readonly addUser: (row: UserRow) => Promise<void>
  readonly addOrganization: (row: OrganizationRow) => Promise<void>
  readonly addMember: (row: MemberRow) => Promise<void>
  /** Removes every row of a member. */
  readonly removeMember: (row: Pick<MemberRow, 'user' | 'organization'>) => Promise<void>
  readonly addOrganizationRole: (row: OrganizationRoleRow) => Promise<void>
  readonly facts: (options: { readonly dynamicRoles: boolean }) => FactSource
  readonly users: UserRepository
  readonly organizations: OrganizationRepository
  readonly nowMs: () => Promise<number>
  readonly close: () => Promise<void>
}
