import { unlessAborted } from '../../application/unless-aborted.ts'
import { AppError } from '../../domain/errors.ts'
import { factFromRows, type Fact, type Pair } from '../../domain/fact.ts'
import type { FactSource } from '../../ports/fact-source.ts'
import { idParameter } from './ids.ts'
import type { Database } from './pool.ts'
import type { SchemaReader } from './schema.ts'

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
 * One statement outside a transaction reads a fact whole, on named columns; the ban's expiry is
 * compared by PostgreSQL, whose clock wrote it.
 */
const factText = (dynamicRoles: string): string => `
  SELECT (extract(epoch FROM statement_timestamp()) * 1000)::float8 AS verified_at_ms,
    u.id IS NOT NULL AS found,
    u.role::text AS role,
    (u.banned IS TRUE AND (u.ban_expires IS NULL OR u.ban_expires >= statement_timestamp())) AS banned,
    ARRAY(SELECT coalesce(m.role::text, '') FROM members m
      WHERE m.user_id = $1 AND m.organization_id = $2) AS member_roles,
    ${dynamicRoles} AS dynamic_roles
  FROM (VALUES (1)) AS always(one) LEFT JOIN users u ON u.id = $1`

const withoutDynamicRoles = { name: 'tenantgate_fact', text: factText('NULL') }
const withDynamicRoles = {
  name: 'tenantgate_fact_dynamic',
  text: factText(`(SELECT json_agg(json_build_array(coalesce(r.role, ''), coalesce(r.permission, '')))
      FROM organization_roles r WHERE r.organization_id = $2)`),
}

/** Reads each fact from PostgreSQL, so every one is as fresh as any route can ask. */
export function createPostgresFactSource(deps: PostgresFactSourceDeps): FactSource {
  return {
    async read(pair, _freshness, signal) {
      signal.throwIfAborted()
      const timeout = AbortSignal.timeout(Math.ceil(deps.timeoutMs))
      const given = AbortSignal.any([signal, timeout])
      return unlessAborted(readFact(pair, given), given, () => {
        throw new AppError('FACTS_UNAVAILABLE', 'PostgreSQL did not answer in time')
      })
    },
  }

  function readFact({ organization, user }: Pair, signal: AbortSignal): Promise<Fact> {
    return deps.schema.use(async (schema) => {
      const dynamic = deps.dynamicRoles()
      if (dynamic && !schema.hasOrganizationRoles) deps.schema.missed()
      const statement =
        dynamic && schema.hasOrganizationRoles ? withDynamicRoles : withoutDynamicRoles
      const values = [
        idParameter(user, schema.userIdType),
        idParameter(organization, schema.organizationIdType),
      ]
      return toFact(await deps.database.query<FactRow>({ ...statement, values }, signal))
    })
  }
}

function toFact(rows: readonly FactRow[]): Fact {
  const [row] = rows
  if (row === undefined) throw new AppError('FACTS_UNAVAILABLE', 'PostgreSQL gave no row')
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
