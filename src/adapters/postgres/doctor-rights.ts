import { error, listed, ok, warn, type Finding } from '../../domain/finding.ts'
import type { Catalogue } from './doctor-catalogue.ts'
import { grantSql, ownRoleSql, type WantedColumn } from './doctor-columns.ts'
import { grantsOf, revocation, type Grant } from './doctor-grants.ts'
import type { Database } from './pool.ts'

/** Columns whose content would let a reader sign in as somebody else. */
const secretColumns: Readonly<Record<string, readonly string[]>> = {
  accounts: ['password', 'access_token', 'refresh_token', 'id_token'],
  sessions: ['token'],
  verifications: ['value'],
  jwks: ['private_key'],
  jwkss: ['private_key'],
}

const whyWrite =
  'tenantgate only reads, and sets its sessions read-only; a role that cannot write keeps that true if the process is ever taken over'

/** Whether the role may read what it needs. */
export function examineReading(
  catalogue: Catalogue,
  wanted: readonly WantedColumn[],
): readonly Finding[] {
  const denied = wanted.filter(
    ({ table, column }) => catalogue.tables.get(table)?.columns.get(column)?.readable === false,
  )
  const forChecks = denied.filter(({ use }) => use === 'facts' || use === 'keys')
  // An additional field that is not granted counts as hidden on purpose.
  const forUsers = denied.filter(({ use }) => use === 'users')
  const { name } = catalogue.role
  return [
    forChecks.length === 0
      ? ok('postgres.rights.read', `${name} may read what checks need`)
      : error('postgres.rights.read', `${name} may not read ${namesOf(forChecks)}`, {
          why: 'every check fails with permission denied, and is answered 503',
          mend: grantSql(forChecks, name),
        }),
    forUsers.length === 0
      ? ok('postgres.rights.users', `${name} may read what the HTTP interface shows of users`)
      : warn('postgres.rights.users', `${name} may not read ${namesOf(forUsers)}`, {
          why: 'no check needs it, but GET /api/v1/users and the lists of users fail without it',
          mend: grantSql(forUsers, name),
        }),
  ]
}

function namesOf(columns: readonly { readonly table: string; readonly column: string }[]): string {
  return listed(columns.map(({ table, column }) => `${table}.${column}`))
}

/** Whether the role may do or see what it has no use for. */
export async function examineExcess(
  database: Database,
  catalogue: Catalogue,
  wanted: readonly WantedColumn[],
): Promise<readonly Finding[]> {
  if (catalogue.role.superuser) return [attributes(catalogue, wanted)] // the rest follows from it
  const grants = await grantsOf(database, catalogue)
  return [
    attributes(catalogue, wanted),
    await writing(database, catalogue, { grants, wanted }),
    secrets(catalogue, { grants, wanted }),
  ]
}

interface Held {
  readonly grants: readonly Grant[]
  readonly wanted: readonly WantedColumn[]
}

function attributes({ role }: Catalogue, wanted: readonly WantedColumn[]): Finding {
  const name = 'postgres.role'
  if (role.superuser) {
    return warn(name, `${role.name} is a superuser`, { why: whyWrite, mend: ownRoleSql(wanted) })
  }
  // With row level security BYPASSRLS is how all rows are seen: it gives nothing else.
  const beyond = role.attributes.filter((attribute) => attribute !== 'BYPASSRLS')
  if (beyond.length === 0) return ok(name, `${role.name} is an ordinary role`)
  return warn(name, `${role.name} has ${beyond.join(', ')}`, {
    why: whyWrite,
    mend: `ALTER ROLE ${role.name} ${beyond.map((attribute) => `NO${attribute}`).join(' ')};`,
  })
}

const writingText = `
  SELECT c.relname::text AS table, string_agg(p.privilege, ', ' ORDER BY p.privilege) AS privileges
  FROM pg_catalog.pg_class c CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p(privilege)
  WHERE c.oid::int8 = ANY($1::int8[]) AND (has_table_privilege(c.oid, p.privilege)
    OR p.privilege IN ('INSERT', 'UPDATE') AND has_any_column_privilege(c.oid, p.privilege))
  GROUP BY 1 ORDER BY 1`

const creatingText = `
  SELECT quote_ident(n.nspname) AS schema,
    EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x
      WHERE x.grantee = 0 AND x.privilege_type = 'CREATE') AS everybody
  FROM pg_catalog.pg_namespace n
  WHERE n.nspname = ANY(current_schemas(false)) AND has_schema_privilege(n.oid, 'CREATE')`

async function writing(
  database: Database,
  catalogue: Catalogue,
  { grants, wanted }: Held,
): Promise<Finding> {
  const name = 'postgres.rights.write'
  const { role, tables } = catalogue
  const writes = await database.query<{ table: string; privileges: string }>({
    name: 'tenantgate_doctor_writing',
    text: writingText,
    values: [[...tables.values()].map(({ oid }) => oid)],
  })
  const creates = await database.query<{ schema: string; everybody: boolean }>({
    name: 'tenantgate_doctor_creating',
    text: creatingText,
  })
  if (writes.length === 0 && creates.length === 0) return ok(name, `${role.name} cannot write`)
  const told = [
    ...writes.map(({ table, privileges }) => `${privileges} on ${table}`),
    ...creates.map(({ schema }) => `CREATE in the schema ${schema}`),
  ]
  const revoked = creates.map(
    ({ schema, everybody }) =>
      `REVOKE CREATE ON SCHEMA ${schema} FROM ${everybody ? 'PUBLIC' : role.name};`,
  )
  const held = grants.filter(({ privilege }) => privilege !== 'SELECT')
  return warn(name, `${role.name} may ${listed(told)}`, {
    why: whyWrite,
    mend: mendOf(catalogue, { grants: held, wanted }, revoked),
  })
}

function secrets(catalogue: Catalogue, { grants, wanted }: Held): Finding {
  const name = 'postgres.rights.secrets'
  const { role, tables } = catalogue
  const seen = Object.entries(secretColumns).flatMap(([table, columns]) =>
    columns
      .filter((column) => tables.get(table)?.columns.get(column)?.readable === true)
      .map((column) => ({ table, column })),
  )
  if (seen.length === 0) return ok(name, `${role.name} sees no password, session or private key`)
  const held = grants.filter(
    ({ table, column, privilege }) =>
      privilege === 'SELECT' &&
      seen.some((one) => one.table === table && (column === null || column === one.column)),
  )
  // A privilege on the whole table covers the columns that are needed as well.
  const again = wanted.filter(({ table }) => seen.some((one) => one.table === table))
  const granted = again.length === 0 ? [] : [grantSql(again, role.name)]
  return warn(name, `${role.name} may read ${namesOf(seen)}`, {
    why: 'tenantgate has no use for them, and whoever reads them can sign in as anybody',
    mend: mendOf(catalogue, { grants: held, wanted }, granted),
  })
}

function mendOf({ role }: Catalogue, { grants, wanted }: Held, further: readonly string[]): string {
  if (grants.some(({ owner }) => owner)) return ownRoleSql(wanted)
  const lines = [...revocation(grants, role.name), ...further]
  return lines.length === 0 ? ownRoleSql(wanted) : lines.join('\n')
}
