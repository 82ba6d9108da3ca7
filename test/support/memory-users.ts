import { commonRoles, parseRoles } from '../../src/domain/roles.ts'
import type { OrganizationRepository } from '../../src/ports/organization-repository.ts'
import type {
  Perspective,
  User,
  UserMembership,
  UserRepository,
} from '../../src/ports/user-repository.ts'
import type { MemberRow, OrganizationRow } from './tables.ts'

/** A `members` row, with what its table gave it. */
export type StoredMember = MemberRow & { readonly id: string; readonly createdAtS: number }

const byAge = (a: StoredMember, b: StoredMember): number =>
  Math.sign(a.createdAtS - b.createdAtS) || (a.id < b.id ? -1 : 1)

/** The repositories of users and organizations over tables in memory. */
export function memoryRepositories(tables: {
  readonly users: () => readonly Omit<User, 'membership'>[]
  readonly members: readonly StoredMember[]
  readonly organizations: ReadonlyMap<string, OrganizationRow>
}): { readonly users: UserRepository; readonly organizations: OrganizationRepository } {
  const rowsOf = (user: string, organization: string): readonly StoredMember[] =>
    tables.members
      .filter((row) => row.user === user && row.organization === organization)
      .toSorted(byAge)

  function placeIn(organization: string, user: string): UserMembership | null {
    const rows = rowsOf(user, organization)
    const [oldest] = rows
    if (oldest === undefined) return null
    return {
      organizationId: organization,
      roles: commonRoles(rows.map(({ role }) => parseRoles(role))),
      managerId: oldest.managerId ?? null,
      departmentId: oldest.departmentId ?? null,
    }
  }

  function seen(user: Omit<User, 'membership'> | undefined, perspective: Perspective | undefined) {
    if (user === undefined) return undefined
    const told = (organization: string): boolean =>
      perspective !== undefined &&
      (perspective.sharedWith === null || rowsOf(perspective.sharedWith, organization).length > 0)
    const [first, ...others] = tables.members
      .filter((row) => row.user === user.id && told(row.organization))
      .toSorted(byAge)
      .map(({ organization }) => organization)
    const preferred = others.find((organization) => organization === perspective?.preferred)
    const via = preferred ?? first
    return { ...user, membership: via === undefined ? null : placeIn(via, user.id) }
  }

  return {
    users: {
      byId: async (id, perspective) =>
        seen(
          tables.users().find((user) => user.id === id),
          perspective,
        ),
      byEmail: async (email, perspective) =>
        seen(
          tables.users().find((user) => user.email === email),
          perspective,
        ),
    },
    organizations: {
      async byId(id) {
        const row = tables.organizations.get(id)
        return row && { id, name: row.name ?? row.id, slug: row.slug ?? row.id }
      },
      membershipsOf: async (userId, organizationId) =>
        rowsOf(userId, organizationId).map(({ role }) => ({
          organizationId,
          userId,
          roles: parseRoles(role),
        })),
      async usersOf(organization, { after, asMember, limit }) {
        if (!tables.organizations.has(organization)) return undefined
        if (asMember !== null && rowsOf(asMember, organization).length === 0) return undefined
        const rows = tables.members.filter((row) => row.organization === organization)
        const ids = [...new Set(rows.map(({ user }) => user))]
          .filter((id) => after === null || id > after)
          .toSorted()
        const page = ids.slice(0, limit)
        return {
          users: page.flatMap((id) => {
            const user = tables.users().find((one) => one.id === id)
            return user === undefined ? [] : [{ ...user, membership: placeIn(organization, id) }]
          }),
          next: ids.length > limit ? (page.at(-1) ?? null) : null,
        }
      },
    },
  }
}
