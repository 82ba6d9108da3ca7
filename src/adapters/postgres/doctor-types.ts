import { error, ok, warn, type Finding } from '../../domain/finding.ts'
import type { Catalogue } from './doctor-catalogue.ts'
import type { TableUse } from './doctor-columns.ts'

const texts = ['text', 'character varying']
const idTypes = [...texts, 'uuid', 'integer']

/** Columns that hold the same id: compared with each other, so of one type. */
const idGroups = [
  ['users.id', 'members.user_id'],
  ['organizations.id', 'members.organization_id', 'organization_roles.organization_id'],
]
const booleans = ['users.banned', 'users.email_verified', 'users.is_anonymous']
const roleColumns = [
  'users.role',
  'members.role',
  'organization_roles.role',
  'organization_roles.permission',
]

/** Whether columns are of types that the statements of tenantgate work with. */
export function examineTypes(
  catalogue: Catalogue,
  { dynamicRoles }: Pick<TableUse, 'dynamicRoles'>,
): readonly Finding[] {
  const read = typeReader(catalogue)
  const type: TypeOf = (column) =>
    dynamicRoles || !column.startsWith('organization_roles.') ? read(column) : undefined
  return [ids(type), flags(type), roles(type), banExpiry(type)]
}

type TypeOf = (column: string) => string | undefined

function typeReader({ tables }: Catalogue): TypeOf {
  return (name) => {
    const [table = '', column = ''] = name.split('.')
    return tables.get(table)?.columns.get(column)?.type
  }
}

function ids(type: TypeOf): Finding {
  const name = 'postgres.type.ids'
  const wrong: string[] = []
  const mend: string[] = []
  for (const group of idGroups) {
    const known = group.filter((column) => type(column) !== undefined)
    const [first] = known
    const wanted = first === undefined ? undefined : type(first)
    for (const column of known) {
      const is = type(column) ?? ''
      const fits = idTypes.includes(is) && family(is) === family(wanted ?? '')
      if (fits) continue
      wrong.push(`${column} is ${is}${column === first ? '' : `, ${first ?? ''} ${wanted ?? ''}`}`)
      const target = idTypes.includes(wanted ?? '') ? (wanted ?? 'text') : 'text'
      mend.push(alterType(column, target))
    }
  }
  if (wrong.length === 0) return ok(name, 'ids are text, uuid or integer, and agree')
  return error(name, wrong.join('; '), {
    why: 'one id is compared with all of these columns: where types differ the statement fails, and every check with it',
    mend: mend.join('\n'),
  })
}

function family(type: string): string {
  return texts.includes(type) ? 'text' : type
}

function alterType(column: string, type: string): string {
  const [table = '', name = ''] = column.split('.')
  return `ALTER TABLE ${table} ALTER COLUMN ${name} TYPE ${type} USING ${name}::${type};   -- after dropping its foreign keys`
}

function flags(type: TypeOf): Finding {
  const name = 'postgres.type.booleans'
  const wrong = booleans.filter((column) => ![undefined, 'boolean'].includes(type(column)))
  if (wrong.length === 0) return ok(name, 'flags are boolean')
  return error(name, wrong.map((column) => `${column} is ${type(column) ?? ''}`).join('; '), {
    why: 'the statement asks whether it IS TRUE, which only a boolean can answer: it fails, and every check with it',
    mend: wrong.map((column) => alterType(column, 'boolean').replace(/ {3}--.*/, '')).join('\n'),
  })
}

function roles(type: TypeOf): Finding {
  const name = 'postgres.type.roles'
  const wrong = roleColumns.filter((column) => ![undefined, ...texts].includes(type(column)))
  if (wrong.length === 0) return ok(name, 'roles are text')
  const told = wrong.map((column) => `${column} is ${type(column) ?? ''}`).join('; ')
  return error(name, told, {
    why: 'roles are comma-separated text in Better Auth, and permissions JSON in text: of another type they read as other names, or not at all',
    mend: wrong.map((column) => alterType(column, 'text').replace(/ {3}--.*/, '')).join('\n'),
  })
}

function banExpiry(type: TypeOf): Finding {
  const name = 'postgres.type.ban_expires'
  const is = type('users.ban_expires')
  if (is === undefined || is === 'timestamp with time zone') {
    return ok(name, 'the expiry of a ban is a point in time')
  }
  if (is === 'timestamp without time zone') {
    return warn(name, 'users.ban_expires is a timestamp without time zone', {
      why: "it holds UTC wall clock, and now() is compared with it in the session's zone: in Asia/Tokyo a ban ends 9 hours early. tenantgate sets its own sessions to UTC; whoever else compares it must too",
      mend: "ALTER TABLE users ALTER COLUMN ban_expires TYPE timestamptz USING ban_expires AT TIME ZONE 'UTC';\n-- and in drizzle's schema: timestamp('ban_expires', { withTimezone: true })",
    })
  }
  return error(name, `users.ban_expires is ${is}`, {
    why: 'whether a ban has ended is asked of PostgreSQL: of another type the statement fails, and every check with it',
    mend: 'ALTER TABLE users ALTER COLUMN ban_expires TYPE timestamptz USING ban_expires::timestamptz;',
  })
}
