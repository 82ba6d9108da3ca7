import { factFromRows, type Fact, type Pair } from '../../src/domain/fact.ts'
import type { User } from '../../src/ports/user-repository.ts'
import { memoryRepositories, type StoredMember } from './memory-users.ts'
import type { OrganizationRoleRow, OrganizationRow, Tables, UserRow } from './tables.ts'

/** Better Auth's tables in memory: a reference for the ports, and fast. */
export function memoryTables(): Tables {
  const users = new Map<string, UserRow & { readonly addedAtMs: number }>()
  const organizations = new Map<string, OrganizationRow>()
  const members: StoredMember[] = []
  let memberRows = 0
  const roles: OrganizationRoleRow[] = []
  const expiresAtMs = ({ addedAtMs, banExpiresInS }: UserRow & { addedAtMs: number }) =>
    banExpiresInS == null ? null : addedAtMs + banExpiresInS * 1000
  const isBanned = (row: UserRow & { addedAtMs: number }): boolean =>
    row.banned === true && (expiresAtMs(row) ?? Infinity) >= Date.now()

  function toUser(row: UserRow & { addedAtMs: number }): Omit<User, 'membership'> {
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
    async addMember(row) {
      memberRows += 1
      members.push({ id: `row ${memberRows}`, createdAtS: 1e9 + memberRows, ...row })
    },
    async removeMember({ user, organization }) {
      const left = members.filter((row) => row.user !== user || row.organization !== organization)
      members.splice(0, members.length, ...left)
    },
    addOrganizationRole: async (row) => void roles.push(row),
    facts: ({ dynamicRoles }) => {
      const read = ({ user, organization }: Pair): Fact => {
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
      }
      return {
        async read(pair, signal) {
          signal.throwIfAborted()
          return read(pair)
        },
        async readMany(pairs, signal) {
          signal.throwIfAborted()
          return pairs.map(read)
        },
      }
    },
    ...memoryRepositories({ users: () => [...users.values()].map(toUser), members, organizations }),
    nowMs: async () => Date.now(),
    close: () => Promise.resolve(),
  }
}
