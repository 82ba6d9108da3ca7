import pg from 'pg'
import { createPostgresFactSource } from '../../src/adapters/postgres/fact-source.ts'
import { createPostgresOrganizationRepository } from '../../src/adapters/postgres/organization-repository.ts'
import { openDatabase, type Database } from '../../src/adapters/postgres/pool.ts'
import { createSchemaReader, type SchemaReader } from '../../src/adapters/postgres/schema.ts'
import { createPostgresUserRepository } from '../../src/adapters/postgres/user-repository.ts'
import type { FactSource } from '../../src/ports/fact-source.ts'
import { betterAuthTables, timeFromNow, type TableFlavour } from './better-auth-tables.ts'
import { freshDatabase } from './servers.ts'
import type { Tables } from './tables.ts'

/** The adapters of one pool, with generous limits unless told otherwise. */
export interface Adapters {
  readonly database: Database
  readonly schema: SchemaReader
  readonly facts: (options?: { readonly dynamicRoles?: boolean }) => FactSource
  readonly faults: unknown[]
}

export function openAdapters(
  url: string,
  options: {
    readonly timeoutMs?: number
    readonly statementTimeoutMs?: number
    readonly connections?: number
    readonly maxWaiting?: number
  } = {},
): Adapters {
  const faults: unknown[] = []
  const database = openDatabase({
    url,
    statementTimeoutMs: options.statementTimeoutMs ?? 5_000,
    connections: options.connections ?? 2,
    maxWaiting: options.maxWaiting ?? 100,
    onFault: (cause) => faults.push(cause),
  })
  const schema = createSchemaReader(database)
  return {
    database,
    schema,
    faults,
    facts: ({ dynamicRoles = false } = {}) =>
      createPostgresFactSource({
        database,
        schema,
        dynamicRoles: () => dynamicRoles,
        timeoutMs: options.timeoutMs ?? 5_000,
      }),
  }
}

/** Better Auth's tables in a database of their own, on the server that all tests share. */
export async function postgresTables(
  flavour: TableFlavour,
): Promise<Tables & { readonly url: string; readonly adapters: Adapters }> {
  const url = await freshDatabase('tables')
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  await owner.query(betterAuthTables(flavour))
  const adapters = openAdapters(url)
  const { database, schema, facts } = adapters
  const { id, anyId } = idsOf(flavour)
  let rows = 0
  const rowId = (): string => id(`row ${(rows += 1)}`)
  const createdAt = (): string => timeFromNow(flavour, rows) // in the order they were added
  return {
    url,
    adapters,
    id,
    anyId,
    async addUser(user) {
      const { banExpiresInS } = user
      await owner.query(
        `INSERT INTO users (id, name, email, email_verified, image, created_at, role, banned,
           ban_reason, is_anonymous, ban_expires)
         VALUES ($1, $2, $3, $4, $5, ${timeFromNow(flavour, 0)}, $6, $7, $8, $9,
           ${banExpiresInS == null ? 'NULL' : timeFromNow(flavour, banExpiresInS)})`,
        [
          id(user.id),
          user.name ?? user.id,
          user.email ?? `${user.id}@example.com`,
          user.emailVerified ?? false,
          user.image ?? null,
          user.role ?? null,
          user.banned ?? null,
          user.banReason ?? null,
          user.isAnonymous ?? null,
        ],
      )
    },
    async addOrganization({ id: key, name = key, slug = key }) {
      await owner.query(
        `INSERT INTO organizations (id, name, slug, created_at)
         VALUES ($1, $2, $3, ${timeFromNow(flavour, 0)})`,
        [id(key), name, slug],
      )
    },
    async addMember({ user, organization, role, ...row }) {
      const key = row.id === undefined ? rowId() : id(row.id)
      const at =
        row.createdAtS === undefined
          ? createdAt()
          : `timestamp '2025-01-01' + interval '${row.createdAtS.toFixed(6)} seconds'`
      await owner.query(
        `INSERT INTO members (id, user_id, organization_id, role, manager_id, department_id,
           created_at) VALUES ($1, $2, $3, $4, $5, $6, ${at})`,
        [key, id(user), id(organization), role, row.managerId ?? null, row.departmentId ?? null],
      )
    },
    async removeMember({ user, organization }) {
      await owner.query('DELETE FROM members WHERE user_id = $1 AND organization_id = $2', [
        id(user),
        id(organization),
      ])
    },
    async addOrganizationRole({ organization, role, permission }) {
      await owner.query(
        'INSERT INTO organization_roles (id, organization_id, role, permission) VALUES ($1, $2, $3, $4)',
        [rowId(), id(organization), role, permission],
      )
    },
    facts,
    users: createPostgresUserRepository({ database, schema }),
    organizations: createPostgresOrganizationRepository({ database, schema }),
    async nowMs() {
      const sql = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms'
      return (await owner.query<{ ms: number }>(sql)).rows[0]?.ms ?? NaN
    },
    async close() {
      await owner.end()
      await database.close()
    },
  }
}

/** Ids of a column's type that stand for names. */
function idsOf({ ids }: TableFlavour): Pick<Tables, 'id' | 'anyId'> {
  if (ids === 'text') return { id: (name) => name, anyId: true }
  const known = new Map<string, string>()
  const uuid = (n: number): string => `0190ab12-cdef-7abc-8def-${String(n).padStart(12, '0')}`
  return {
    anyId: false,
    id(name) {
      const n = known.size + 1
      const id = known.get(name) ?? (ids === 'uuid' ? uuid(n) : String(n))
      known.set(name, id)
      return id
    },
  }
}
