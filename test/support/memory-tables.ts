import { factFromRows } from '../../src/domain/fact.ts'
import { parseRoles } from '../../src/domain/roles.ts'
import type { User } from '../../src/ports/user-repository.ts'
import type { MemberRow, OrganizationRoleRow, OrganizationRow, Tables, UserRow } from './tables.ts'

/** Better Auth's tables in memory: a reference for the ports, and fast. */
export function memoryTables(): Tables {
  const users = new Map<string, UserRow & { readonly addedAtMs: number }>()
  const organizations = new Map<string, OrganizationRow>()
  const members: MemberRow[] = []
  const roles: OrganizationRoleRow[] = []
  const expiresAtMs = ({ addedAtMs, banExpiresInS }: UserRow & { addedAtMs: number }) =>
    banExpiresInS == null ? null : addedAtMs + banExpiresInS * 1000
  const isBanned = (row: UserRow & { addedAtMs: number }): boolean =>
    row.banned === true && (expiresAtMs(row) ?? Infinity) >= Date.now()

  function toUser(row: UserRow & { addedAtMs: number }): User {
    const expires = expiresAtMs(row)
    return {
      id: row.id,
      email: row.email ?? `${row.id}@example.com`,
      emailVerified: row.emailVerified ?? false,
      name: row.name ?? row.id,
      image: row.image ?? null,
      isAnonymous: row.isAnonymous ?? false,
      role: row.role ?? 'user',
      banned: isBanned(row),
      banReason: row.banReason ?? null,
      banExpires: expires === null ? null : new Date(expires),
    }
  }

  return {
    id: (name) => name,
    anyId: true,
    addUser: async (row) => void users.set(row.id, { ...row, addedAtMs: Date.now() }),
    addOrganization: async (row) => void organizations.set(row.id, row),
    addMember: async (row) => void members.push(row),
    addOrganizationRole: async (row) => void roles.push(row),
    facts: ({ dynamicRoles }) => ({
      async read({ user, organization }, _freshness, signal) {
        signal.throwIfAborted()
        const row = users.get(user)
        return factFromRows(
          {
            user: row === undefined ? null : { role: row.role ?? null, banned: isBanned(row) },
            memberRoles: members
              .filter((member) => member.user === user && member.organization === organization)
              .map(({ role }) => role),
            dynamicRoles: dynamicRoles
              ? roles.filter((role) => role.organization === organization)
              : [],
            verifiedAtMs: Date.now(),
          },
          'postgres',
        )
      },
    }),
    users: {
      async byId(id) {
        const row = users.get(id)
        return row && toUser(row)
      },
      byEmail: async (email) =>
        [...users.values()].map(toUser).find((user) => user.email === email),
    },
    organizations: {
      async byId(id) {
        const row = organizations.get(id)
        return row && { id, name: row.name ?? row.id, slug: row.slug ?? row.id }
      },
      membershipsOf: async (userId, organizationId) =>
        members
          .filter(({ user, organization }) => user === userId && organization === organizationId)
          .map(({ role }) => ({ organizationId, userId, roles: parseRoles(role) })),
    },
    nowMs: async () => Date.now(),
    close: () => Promise.resolve(),
  }
}
