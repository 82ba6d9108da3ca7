import type { Catalogue } from './doctor-catalogue.ts'
import type { Database } from './pool.ts'

/** A privilege that the connected role holds, and by whom it holds it. */
export interface Grant {
  readonly table: string
  /** Null: on the whole table. */
  readonly column: string | null
  readonly privilege: string
  /** The role itself, a role that it is a member of, or `PUBLIC`; quoted where SQL needs it. */
  readonly grantee: string
  /** Whether the privilege comes of owning the table: it cannot be taken away for good. */
  readonly owner: boolean
}

/** Roles of PostgreSQL's own that may read or write every table, without a grant on it. */
const builtIn = ['pg_write_all_data', 'pg_read_all_data']

const grantsText = `
  SELECT c.relname::text AS table, NULL AS column, x.privilege_type AS privilege,
    CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END AS grantee,
    x.grantee = c.relowner AS owner
  FROM pg_catalog.pg_class c,
    aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS x
  WHERE c.oid::int8 = ANY($1::int8[]) AND (x.grantee = 0 OR pg_has_role(x.grantee, 'USAGE'))
  UNION ALL
  SELECT c.relname::text, quote_ident(a.attname), x.privilege_type,
    CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END, false
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
    aclexplode(a.attacl) AS x
  WHERE c.oid::int8 = ANY($1::int8[]) AND (x.grantee = 0 OR pg_has_role(x.grantee, 'USAGE'))
  UNION ALL
  SELECT '', NULL, CASE rolname WHEN 'pg_read_all_data' THEN 'SELECT' ELSE 'UPDATE' END,
    rolname::text, false
  FROM pg_catalog.pg_roles
  WHERE rolname = ANY($2::text[]) AND pg_has_role(oid, 'USAGE')
  ORDER BY 1, 3`

/** The privileges of the connected role on the tables of the catalogue. */
export async function grantsOf(
  database: Database,
  catalogue: Catalogue,
): Promise<readonly Grant[]> {
  const rows = await database.query<Grant & Record<string, unknown>>({
    name: 'tenantgate_doctor_grants',
    text: grantsText,
    values: [[...catalogue.tables.values()].map(({ oid }) => oid), builtIn],
  })
  // A built-in role is on every table.
  const everywhere = rows.filter(({ table }) => table === '')
  return [
    ...rows.filter(({ table }) => table !== ''),
    ...everywhere.flatMap((row) =>
      [...catalogue.tables.keys()].map((table) => ({ ...row, table })),
    ),
  ]
}

/** SQL that takes privileges away from a role, where it holds them. */
export function revocation(grants: readonly Grant[], role: string): readonly string[] {
  const statements = grants.map(({ table, column, privilege, grantee }) =>
    grantee === role || grantee === 'PUBLIC'
      ? {
          on: `ON ${table} FROM ${grantee}`,
          what: `${privilege}${column === null ? '' : ` (${column})`}`,
        }
      : { on: `${grantee} FROM ${role}`, what: '' },
  )
  const targets = [...new Set(statements.map(({ on }) => on))]
  return targets.map((target) => {
    const what = statements.filter(({ on }) => on === target).map((one) => one.what)
    const privileges = [...new Set(what)].filter((one) => one !== '').join(', ')
    return `REVOKE ${privileges === '' ? '' : `${privileges} `}${target};`
  })
}
