import { error, ok, warn, type Finding, type Remedy } from '../../domain/finding.ts'
import type { Catalogue, TableInfo } from './doctor-catalogue.ts'
import type { WantedColumn } from './doctor-columns.ts'

const whyTable =
  'what tenantgate reads must be where Better Auth writes it: without it no check can be decided'

/** The plugin or the mapping that makes a table or a column. */
const origins: Readonly<Record<string, string>> = {
  users: "betterAuth({ user: { modelName: 'users' } })",
  members: "organization({ schema: { member: { modelName: 'members' } } })",
  organizations: "organization({ schema: { organization: { modelName: 'organizations' } } })",
  organization_roles:
    "organization({ dynamicAccessControl: { enabled: true }, schema: { organizationRole: { modelName: 'organization_roles' } } })",
  jwks: 'jwt()',
  jwkss: 'jwt()',
  'users.role': 'admin()',
  'users.banned': 'admin()',
  'users.ban_reason': 'admin()',
  'users.ban_expires': 'admin()',
  'users.is_anonymous': 'anonymous()',
}

const unmappedNames: Readonly<Record<string, readonly string[]>> = {
  users: ['user'],
  members: ['member'],
  organizations: ['organization'],
  organization_roles: ['organizationRole', 'organization_role'],
}

/** Whether every table that is read is there, with every column under its name. */
export function examineTables(
  catalogue: Catalogue,
  wanted: readonly WantedColumn[],
): readonly Finding[] {
  return [...new Set(wanted.map(({ table }) => table))].flatMap((name) => {
    const columns = wanted.filter(({ table }) => table === name)
    const table = catalogue.tables.get(name)
    return table === undefined ? [absent(catalogue, name)] : present(table, columns)
  })
}

function absent(catalogue: Catalogue, name: string): Finding {
  const finding = `postgres.table.${name}`
  const stray = catalogue.strays.find((one) => one.name === name)
  const { role } = catalogue
  if (stray !== undefined) {
    return error(finding, `the table ${name} is in the schema ${stray.schema}, out of reach`, {
      why: whyTable,
      mend: stray.usable
        ? `ALTER ROLE ${role.name} SET search_path = ${stray.schema}, public;`
        : `GRANT USAGE ON SCHEMA ${stray.schema} TO ${role.name};\nALTER ROLE ${role.name} SET search_path = ${stray.schema}, public;`,
    })
  }
  const other = (unmappedNames[name] ?? []).find((one) => catalogue.tables.has(one))
  if (other !== undefined) {
    return error(finding, `there is no table ${name}, but a table "${other}"`, {
      why: whyTable,
      mend: `ALTER TABLE "${other}" RENAME TO ${name};\n-- and in Better Auth, deployed with it: ${origins[name] ?? ''}`,
    })
  }
  return error(finding, `there is no table ${name}`, {
    why: whyTable,
    mend: `-- let DATABASE_URL name the database of Better Auth, or make the table, with ${origins[name] ?? 'its plugin'}:\nnpx auth migrate`,
  })
}

function present(table: TableInfo, columns: readonly WantedColumn[]): readonly Finding[] {
  const finding = `postgres.table.${table.name}`
  const missing = columns.filter(({ column }) => !table.columns.has(column))
  const needed = missing.filter(({ use }) => use !== 'additional')
  const additional = missing.filter(({ use }) => use === 'additional')
  const findings: Finding[] = []
  if (needed.length > 0) {
    const names = needed.map(({ column }) => spelled(table, column))
    findings.push(
      error(finding, `${table.name} lacks ${names.join(', ')}`, {
        why: needed.some(({ use }) => use !== 'users')
          ? whyTable
          : 'GET /api/v1/users and the lists of users read it and answer 503 without it',
        mend: needed.map(({ column }) => columnMend(table, column)).join('\n'),
      }),
    )
  } else findings.push(ok(finding, `${table.name} has its columns`))
  if (columns.some(({ use }) => use === 'additional')) {
    findings.push(additionalFields(table, additional))
  }
  return findings
}

function additionalFields(table: TableInfo, missing: readonly WantedColumn[]): Finding {
  const name = `postgres.table.${table.name}.additional`
  if (missing.length === 0) return ok(name, 'the additional fields are there')
  const names = missing.map(({ column }) => column)
  const remedy: Remedy = {
    why: 'managerId and departmentId of users stay empty; no decision rests on them',
    mend: names.map((column) => `ALTER TABLE ${table.name} ADD COLUMN ${column} text;`).join('\n'),
  }
  return warn(name, `no ${names.join(' and ')}`, remedy)
}

function camelCase(column: string): string {
  return column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function spelled(table: TableInfo, column: string): string {
  const camel = camelCase(column)
  return table.columns.has(camel) ? `${column} (it has "${camel}")` : column
}

function columnMend(table: TableInfo, column: string): string {
  const camel = camelCase(column)
  if (camel !== column && table.columns.has(camel)) {
    return `ALTER TABLE ${table.name} RENAME COLUMN "${camel}" TO ${column};\n-- and in Better Auth's schema of this model: fields: { ${camel}: '${column}' }`
  }
  const origin = origins[`${table.name}.${column}`] ?? origins[table.name] ?? 'its plugin'
  return `npx auth migrate   # ${column} comes with ${origin}`
}
