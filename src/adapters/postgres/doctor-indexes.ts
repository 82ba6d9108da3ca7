import { error, ok, type Finding } from '../../domain/finding.ts'
import type { Catalogue } from './doctor-catalogue.ts'
import type { Database } from './pool.ts'

/** An index that look-ups need. */
export interface NeededIndex {
  readonly name: string
  readonly table: string
  readonly columns: readonly string[]
  /** Whether the columns are always compared for equality, all of them, so in any order. */
  readonly anyOrder: boolean
  readonly why: string
}

/** The indexes of the contract, and the one that Better Auth makes by itself. */
export const neededIndexes: readonly NeededIndex[] = [
  {
    name: 'users_pkey',
    table: 'users',
    columns: ['id'],
    anyOrder: false,
    why: 'every check looks its subject up by id: without it PostgreSQL reads all users for each request',
  },
  {
    name: 'idx_users_role',
    table: 'users',
    columns: ['role'],
    anyOrder: false,
    why: 'who holds a platform role is looked up by it: without it PostgreSQL reads all users',
  },
  {
    name: 'idx_members_user_org',
    table: 'members',
    columns: ['user_id', 'organization_id'],
    anyOrder: true,
    why: 'every check reads the memberships of one user in one organization: with an index on one column alone it reads all rows of the user or, worse, of the organization',
  },
  {
    name: 'idx_members_organization_id_role',
    table: 'members',
    columns: ['organization_id', 'role'],
    anyOrder: false,
    why: 'members of an organization are listed by it, and by role: without it each page reads more rows the larger the organization is',
  },
]

/** An index as the catalogue tells it. */
export interface IndexInfo {
  readonly table: string
  readonly name: string
  readonly method: string
  /** Key columns in their order; null stands for an expression. */
  readonly columns: readonly (string | null)[]
  readonly valid: boolean
  readonly partial: boolean
  /** Whether its collations are those of the columns: else `=` cannot use it. */
  readonly comparable: boolean
}

const indexText = `
  SELECT c.relname::text AS table, ic.relname::text AS name, am.amname::text AS method,
    ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
      WHERE k.n <= i.indnkeyatts ORDER BY k.n) AS columns,
    i.indisvalid AND i.indisready AS valid, i.indpred IS NOT NULL AS partial,
    NOT EXISTS (SELECT FROM unnest(i.indkey::int2[], i.indcollation::oid[]) AS k(attnum, coll)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
      WHERE k.coll <> 0 AND k.coll <> a.attcollation) AS comparable
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
  JOIN pg_catalog.pg_am am ON am.oid = ic.relam
  WHERE i.indrelid::int8 = ANY($1::int8[])
  ORDER BY 2`

/** Reads the indexes of the tables of the catalogue. */
export function readIndexes(
  database: Database,
  catalogue: Catalogue,
): Promise<readonly IndexInfo[]> {
  const oids = [...catalogue.tables.values()].map(({ oid }) => oid)
  return database.query<IndexInfo & Record<string, unknown>>({
    name: 'tenantgate_doctor_indexes',
    text: indexText,
    values: [oids],
  })
}

/** Whether an index serves the look-ups of a needed one, as far as its definition tells. */
export function serves(index: IndexInfo, needed: NeededIndex): boolean {
  if (index.table !== needed.table || index.partial || !index.comparable) return false
  const { columns } = needed
  if (index.method === 'hash') return columns.length === 1 && index.columns[0] === columns[0]
  if (index.method !== 'btree') return false
  const leading = index.columns.slice(0, columns.length)
  return needed.anyOrder
    ? columns.every((column) => leading.includes(column))
    : columns.every((column, at) => leading[at] === column)
}

/** Whether a needed index is there, by definition rather than by name, and valid. */
export function examineIndex(
  needed: NeededIndex,
  indexes: readonly IndexInfo[],
  catalogue: Catalogue,
): Finding {
  const finding = `postgres.index.${needed.name}`
  const on = `${needed.table} (${needed.columns.join(', ')})`
  const schema = catalogue.tables.get(needed.table)?.schema ?? 'public'
  const serving = indexes.filter((index) => serves(index, needed))
  const named = serving.find(({ name, valid }) => valid && name === needed.name)
  const usable = named ?? serving.find(({ valid }) => valid)
  if (usable !== undefined) {
    const described = `${usable.name} (${usable.columns.join(', ')})`
    return ok(finding, usable.name === needed.name ? described : `${described} serves instead`)
  }
  const [broken] = serving
  if (broken !== undefined) {
    return error(finding, `the index ${broken.name} is invalid: its building failed or goes on`, {
      why: `PostgreSQL keeps it up to date and never uses it. ${needed.why}`,
      mend: `SELECT phase FROM pg_stat_progress_create_index;   -- no row: nobody builds it\nREINDEX INDEX CONCURRENTLY ${schema}.${quoted(broken.name)};`,
    })
  }
  const wrong = indexes.find(({ name }) => name === needed.name)
  const create = creation(needed)
  if (wrong === undefined) {
    return error(finding, `there is no index on ${on}`, { why: needed.why, mend: create })
  }
  return error(finding, `${needed.name} does not serve ${on}: ${flawOf(wrong)}`, {
    why: needed.why,
    mend: `DROP INDEX CONCURRENTLY ${schema}.${quoted(wrong.name)};\n${create}`,
  })
}

function creation({ name, table, columns }: NeededIndex): string {
  return name === 'users_pkey'
    ? 'ALTER TABLE users ADD PRIMARY KEY (id);'
    : `CREATE INDEX CONCURRENTLY ${name} ON ${table} (${columns.join(', ')});`
}

function flawOf({ columns, comparable, method, partial, table }: IndexInfo): string {
  if (partial) return 'it is partial, it covers some rows only'
  if (!comparable) return "its collation is not the column's"
  return `it is a ${method} index on ${table} (${columns.map((one) => one ?? 'an expression').join(', ')})`
}

function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
