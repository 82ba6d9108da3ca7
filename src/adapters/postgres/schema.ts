import { AppError } from '../../domain/errors.ts'
import type { IdType } from './ids.ts'
import { isSchemaFault, type Database } from './pool.ts'

/** What differs between the schemas that Better Auth's adapters make. */
export interface Schema {
  readonly userIdType: IdType
  readonly organizationIdType: IdType
  /** The table of signing keys: `jwks`, or `jwkss` by drizzle's plural; undefined: neither. */
  readonly keyTable: 'jwks' | 'jwkss' | undefined
  /** Whether keys have the columns `alg` and `expires_at`, which older releases lack. */
  readonly keysHaveAlgorithm: boolean
  readonly keysExpire: boolean
  readonly hasOrganizationRoles: boolean
}

/** Tells the schema; asked once and remembered until it proves wrong. */
export interface SchemaReader {
  /**
   * Runs a statement that was made for the schema. Where it fails in a way that a migration would
   * explain, the next one is made for the schema as it is then.
   */
  readonly use: <T>(run: (schema: Schema) => Promise<T>) => Promise<T>
  /** A table is asked for that was not there: it is looked for again, once a second at most. */
  readonly missed: () => void
}

/** How long a table that is not there is believed to stay away, in ms. */
const absenceMs = 1_000

interface ColumnRow {
  readonly table: string
  readonly column: string
  readonly type: string
}

const columns = {
  name: 'tenantgate_schema',
  text: `
    SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, NULL) AS type
    FROM unnest(ARRAY['users', 'members', 'organizations', 'organization_roles', 'jwks', 'jwkss'])
      AS wanted(name)
    JOIN pg_catalog.pg_class c ON c.oid = to_regclass(wanted.name)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE a.attname IN ('id', 'user_id', 'organization_id', 'alg', 'expires_at')`,
}

const idTypes: Readonly<Record<string, IdType>> = {
  text: 'text',
  'character varying': 'text',
  uuid: 'uuid',
  integer: 'integer',
}

/** Reads the flavour of Better Auth's schema from the catalogue. */
export function createSchemaReader(database: Database): SchemaReader {
  let known: Promise<Schema> | undefined
  let knownSinceMs = 0

  function read(): Promise<Schema> {
    if (known === undefined) {
      knownSinceMs = performance.now()
      known = detect(database)
      known.catch(forget)
    }
    return known
  }
  function forget(): void {
    known = undefined
  }
  return {
    async use(run) {
      const schema = await read()
      try {
        return await run(schema)
      } catch (error) {
        if (isSchemaFault(error)) forget()
        throw error
      }
    },
    missed() {
      if (performance.now() - knownSinceMs > absenceMs) forget()
    },
  }
}

async function detect(database: Database): Promise<Schema> {
  const rows = await database.query<ColumnRow>(columns)
  const type = (table: string, column: string): string | undefined =>
    rows.find((row) => row.table === table && row.column === column)?.type
  const keyTable = (['jwks', 'jwkss'] as const).find((table) => type(table, 'id') !== undefined)
  return {
    userIdType: idType('users.id', type('users', 'id')),
    organizationIdType: idType('members.organization_id', type('members', 'organization_id')),
    keyTable,
    keysHaveAlgorithm: type(keyTable ?? '', 'alg') !== undefined,
    keysExpire: type(keyTable ?? '', 'expires_at') !== undefined,
    hasOrganizationRoles: type('organization_roles', 'organization_id') !== undefined,
  }
}

function idType(column: string, type: string | undefined): IdType {
  const known = type === undefined ? undefined : idTypes[type]
  if (known !== undefined) return known
  throw new AppError(
    'DATABASE_UNAVAILABLE',
    type === undefined
      ? `PostgreSQL: the column ${column} is missing: does DATABASE_URL name Better Auth's database, with plural snake_case tables?`
      : `PostgreSQL: the column ${column} is of type ${type}: ids are text, uuid or integer`,
  )
}
