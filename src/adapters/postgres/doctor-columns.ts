/** Why tenantgate reads a column. */
export type ColumnUse = 'facts' | 'users' | 'keys' | 'additional'

/** A column that tenantgate reads, as Better Auth 1.7 names it. */
export interface WantedColumn {
  readonly table: string
  readonly column: string
  readonly use: ColumnUse
}

/** What the installation uses of Better Auth's tables. */
export interface TableUse {
  /** The policy heeds `organization_roles`. */
  readonly dynamicRoles: boolean
  /** `jwks` or `jwkss` where keys are read from PostgreSQL; undefined: they are not. */
  readonly keyTable: string | undefined
}

const factColumns = {
  users: ['id', 'role', 'banned', 'ban_expires'],
  members: ['user_id', 'organization_id', 'role'],
}
const userColumns = {
  users: ['ban_reason', 'email', 'email_verified', 'name', 'image', 'is_anonymous'],
  members: ['id', 'created_at'],
  organizations: ['id', 'name', 'slug'],
}

/** The columns that are read; those of `users` serve the HTTP interface, `facts` every check. */
export function wantedColumns({ dynamicRoles, keyTable }: TableUse): readonly WantedColumn[] {
  const columns = [
    ...of(factColumns, 'facts'),
    ...of(userColumns, 'users'),
    // Fields that an installation may add to Better Auth's members.
    ...of({ members: ['manager_id', 'department_id'] }, 'additional'),
  ]
  if (dynamicRoles) {
    columns.push(...of({ organization_roles: ['organization_id', 'role', 'permission'] }, 'facts'))
  }
  if (keyTable !== undefined) {
    columns.push(...of({ [keyTable]: ['id', 'public_key', 'alg', 'expires_at'] }, 'keys'))
  }
  return columns
}

function of(
  tables: Readonly<Record<string, readonly string[]>>,
  use: ColumnUse,
): readonly WantedColumn[] {
  return Object.entries(tables).flatMap(([table, columns]) =>
    columns.map((column) => ({ table, column, use })),
  )
}

/** `GRANT SELECT` statements for columns, one a table. */
export function grantSql(columns: readonly WantedColumn[], role: string): string {
  const tables = [...new Set(columns.map(({ table }) => table))]
  return tables
    .map((table) => {
      const names = columns.filter((one) => one.table === table).map(({ column }) => column)
      return `GRANT SELECT (${names.join(', ')}) ON ${table} TO ${role};`
    })
    .join('\n')
}

/** A role of tenantgate's own that can read what is needed and nothing else. */
export function ownRoleSql(columns: readonly WantedColumn[]): string {
  return [
    '-- in psql, as the owner of the tables; then name this role in DATABASE_URL',
    'CREATE ROLE tenantgate LOGIN;',
    '\\password tenantgate',
    grantSql(columns, 'tenantgate'),
  ].join('\n')
}
