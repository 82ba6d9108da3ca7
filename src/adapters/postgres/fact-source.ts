import { unlessAborted } from '../../application/unless-aborted.ts'
import { AppError } from '../../domain/errors.ts'
import { factFromRows, type Fact, type Pair } from '../../domain/fact.ts'
import type { FactSource } from '../../ports/fact-source.ts'
import { idParameter } from './ids.ts'
import type { Database, Statement } from './pool.ts'
import type { Schema, SchemaReader } from './schema.ts'

/** What facts are read with. */
export interface PostgresFactSourceDeps {
  readonly database: Database
  readonly schema: SchemaReader
  /** Whether the policy in force heeds `organization_roles`; else that table is not read. */
  readonly dynamicRoles: () => boolean
  /** How long one read may take in all, waiting for a connection included, in ms. */
  readonly timeoutMs: number
}

interface FactRow {
  readonly verified_at_ms: number
  readonly found: boolean
  readonly role: string | null
  readonly banned: boolean
  readonly member_roles: readonly string[]
  readonly dynamic_roles: readonly (readonly [string, string])[] | null
}

/**
 * Longest texts that are read, in bytes. Better Auth lets an organization's owner name a role so often
 * that it takes megabytes, in every read of the fact; what is longer counts as empty, so it grants
 * nothing. Never cut: the beginning of a role's name may be the name of another.
 */
const mostRoleBytes = 8_192
const mostPermissionBytes = 65_536
const within = (text: string, bytes: number): string =>
  `CASE WHEN octet_length(${text}) > ${bytes} THEN '' ELSE ${text} END`

/**
 * One statement outside a transaction reads facts whole, on named columns; the ban's expiry is
 * compared by PostgreSQL, whose clock wrote it.
 */
const factText = (from: string, dynamic: boolean): string => `
  SELECT (extract(epoch FROM statement_timestamp()) * 1000)::float8 AS verified_at_ms,
    u.id IS NOT NULL AS found,
    ${within('u.role::text', mostRoleBytes)} AS role,
    (u.banned IS TRUE AND (u.ban_expires IS NULL OR u.ban_expires >= statement_timestamp())) AS banned,
    ARRAY(SELECT ${within("coalesce(m.role::text, '')", mostRoleBytes)} FROM members m
      WHERE m.user_id = asked.user_id AND m.organization_id = asked.organization_id) AS member_roles,
    ${dynamic ? dynamicRolesText : 'NULL'} AS dynamic_roles
  FROM ${from} LEFT JOIN users u ON u.id = asked.user_id`

const dynamicRolesText = `(SELECT json_agg(json_build_array(${within("coalesce(r.role, '')", mostRoleBytes)},
        ${within("coalesce(r.permission, '')", mostPermissionBytes)}))
      FROM organization_roles r WHERE r.organization_id = asked.organization_id)`

/** The name stands for the text on a connection, so it tells all that the text depends on. */
function factStatement(schema: Schema, { dynamic, many }: Shape): Statement {
  const { organizationIdType: organization, userIdType: user } = schema
  const name = `tenantgate_fact${many ? 's' : ''}_${user}_${organization}${dynamic ? '_dynamic' : ''}`
  const columns = 'asked(user_id, organization_id)'
  return many
    ? {
        name,
        text: `${factText(`unnest($1::${user}[], $2::${organization}[]) WITH ORDINALITY AS asked(user_id, organization_id, place)`, dynamic)}
          ORDER BY asked.place`,
      }
    : { name, text: factText(`(VALUES ($1::${user}, $2::${organization})) AS ${columns}`, dynamic) }
}

interface Shape {
  readonly dynamic: boolean
  readonly many: boolean
}

/** Reads facts from PostgreSQL, each whole and as of now. */
export function createPostgresFactSource(deps: PostgresFactSourceDeps): FactSource {
  return {
    async read(pair, signal) {
      const [fact] = await inTime([pair], signal, false)
      return fact ?? noRow()
    },
    async readMany(pairs, signal) {
      if (pairs.length === 0) return []
      const facts = await inTime(pairs, signal, true)
      return facts.length === pairs.length ? facts : noRow()
    },
  }

  async function inTime(
    pairs: readonly Pair[],
    signal: AbortSignal,
    many: boolean,
  ): Promise<readonly Fact[]> {
    signal.throwIfAborted()
    const timeout = AbortSignal.timeout(Math.ceil(deps.timeoutMs))
    const given = AbortSignal.any([signal, timeout])
    return unlessAborted(readFacts(pairs, given, many), given, () => {
      throw new AppError('FACTS_UNAVAILABLE', 'PostgreSQL did not answer in time')
    })
  }

  function readFacts(
    pairs: readonly Pair[],
    signal: AbortSignal,
    many: boolean,
  ): Promise<readonly Fact[]> {
    return deps.schema.use(async (schema) => {
      const wanted = deps.dynamicRoles()
      if (wanted && !schema.hasOrganizationRoles) deps.schema.missed()
      const dynamic = wanted && schema.hasOrganizationRoles
      const users = pairs.map(({ user }) => idParameter(user, schema.userIdType))
      const organizations = pairs.map(({ organization }) =>
        idParameter(organization, schema.organizationIdType),
      )
      const values = many ? [users, organizations] : [users[0], organizations[0]]
      const statement = { ...factStatement(schema, { dynamic, many }), values }
      return (await deps.database.query<FactRow>(statement, signal)).map(toFact)
    })
  }
}

function noRow(): never {
  throw new AppError('FACTS_UNAVAILABLE', 'PostgreSQL gave no row')
}

function toFact(row: FactRow): Fact {
  return factFromRows(
    {
      user: row.found ? { role: row.role, banned: row.banned } : null,
      memberRoles: row.member_roles,
      dynamicRoles: (row.dynamic_roles ?? []).map(([role, permission]) => ({ role, permission })),
      verifiedAtMs: row.verified_at_ms,
    },
    'postgres',
  )
}
