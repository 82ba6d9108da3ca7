import type { Database } from './pool.ts'

/** A column as the catalogue tells it. */
export interface ColumnInfo {
  readonly type: string
  /** Whether the connected role may SELECT it. */
  readonly readable: boolean
}

/** A table that the search path leads to. */
export interface TableInfo {
  readonly name: string
  readonly oid: number
  readonly schema: string
  /** Rows as PostgreSQL last counted them; -1: never. */
  readonly estimatedRows: number
  readonly columns: ReadonlyMap<string, ColumnInfo>
}

/** A table of a wanted or a related name that the search path does not lead to. */
export interface StrayTable {
  readonly schema: string
  readonly name: string
  readonly usable: boolean
}

/** The connected role; names are quoted where SQL needs it. */
export interface RoleInfo {
  readonly name: string
  readonly superuser: boolean
  /** Attributes beyond LOGIN, as `CREATEROLE`. */
  readonly attributes: readonly string[]
}

/** What the catalogue says of Better Auth's tables and of the role that reads them. */
export interface Catalogue {
  readonly tables: ReadonlyMap<string, TableInfo>
  readonly strays: readonly StrayTable[]
  readonly role: RoleInfo
}

/** Tables that tenantgate reads. */
export const readTables = ['users', 'members', 'organizations', 'organization_roles'] as const
/** Better Auth's other tables that hold what nobody but it should read or write. */
const otherTables = ['jwks', 'jwkss', 'accounts', 'sessions', 'verifications'] as const
/** What these tables are called without the mapping to plural and snake_case. */
const unmapped = ['user', 'member', 'organization', 'organizationRole', 'organization_role']

interface ColumnRow extends Record<string, unknown> {
  readonly name: string
  readonly oid: number
  readonly schema: string
  readonly rows: number
  readonly column: string
  readonly type: string
  readonly readable: boolean
}

const columnsText = `
  SELECT wanted.name, c.oid::int8::float8 AS oid, quote_ident(n.nspname) AS schema, c.reltuples::float8 AS rows,
    a.attname::text AS column, format_type(a.atttypid, NULL) AS type,
    has_column_privilege(c.oid, a.attnum, 'SELECT') AS readable
  FROM unnest($1::text[]) AS wanted(name)
  JOIN pg_catalog.pg_class c ON c.oid = to_regclass(quote_ident(wanted.name))
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attnum`

const straysText = `
  SELECT quote_ident(n.nspname) AS schema, c.relname::text AS name,
    has_schema_privilege(n.oid, 'USAGE') AS usable
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relname = ANY($1::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND c.oid IS DISTINCT FROM to_regclass(quote_ident(c.relname))
  ORDER BY 1, 2`

const roleText = `
  SELECT quote_ident(rolname) AS name, rolsuper AS superuser,
    array_remove(ARRAY[
      CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
      CASE WHEN rolreplication THEN 'REPLICATION' END, CASE WHEN rolbypassrls THEN 'BYPASSRLS' END
    ], NULL) AS attributes
  FROM pg_catalog.pg_roles WHERE rolname = current_user`

/** Reads the catalogue; needs no privilege on the tables. */
export async function readCatalogue(database: Database): Promise<Catalogue> {
  const names = [...readTables, ...otherTables, ...unmapped]
  const rows = await database.query<ColumnRow>({
    name: 'tenantgate_doctor_columns',
    text: columnsText,
    values: [names],
  })
  const strays = await database.query<{ schema: string; name: string; usable: boolean }>({
    name: 'tenantgate_doctor_strays',
    text: straysText,
    values: [names],
  })
  const [role] = await database.query<{
    name: string
    superuser: boolean
    attributes: readonly string[]
  }>({ name: 'tenantgate_doctor_role', text: roleText })
  return {
    tables: new Map(names.flatMap((name) => tableOf(name, rows))),
    strays,
    role: role ?? { name: 'CURRENT_USER', superuser: false, attributes: [] },
  }
}

function tableOf(name: string, rows: readonly ColumnRow[]): readonly [string, TableInfo][] {
  const own = rows.filter((row) => row.name === name)
  const [first] = own
  if (first === undefined) return []
  const columns = own.map(({ column, type, readable }) => [column, { type, readable }] as const)
  const { oid, schema, rows: estimatedRows } = first
  return [[name, { name, oid, schema, estimatedRows, columns: new Map(columns) }]]
}
