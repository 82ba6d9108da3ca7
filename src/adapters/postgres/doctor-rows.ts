import { parseDynamicPermissions } from '../../domain/fact.ts'
import { counted, error, listed, ok, warn, type Finding } from '../../domain/finding.ts'
import type { Policy } from '../../domain/policy.ts'
import { parseRoles } from '../../domain/roles.ts'
import type { Catalogue } from './doctor-catalogue.ts'
import type { Database } from './pool.ts'

const maxGroups = 1_000
/** Roles that Better Auth gives to users by itself; they need not mean anything to a policy. */
const ordinaryPlatformRoles = ['user', 'admin']

/** Whether row level security may hide rows from the role. */
export async function examineRowSecurity(
  database: Database,
  { tables, role }: Catalogue,
): Promise<Finding> {
  const name = 'postgres.row_security'
  const rows = await database.query<{ table: string; policies: number }>({
    name: 'tenantgate_doctor_row_security',
    text: `
      SELECT c.relname::text AS table, count(p.oid)::int AS policies
      FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_policy p
        ON p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('r', '*')
        AND (p.polroles = '{0}' OR EXISTS (SELECT FROM unnest(p.polroles) AS r(oid) WHERE pg_has_role(r.oid, 'USAGE')))
      WHERE c.oid::int8 = ANY($1::int8[]) AND row_security_active(c.oid)
      GROUP BY 1 ORDER BY 1`,
    values: [
      ['users', 'members', 'organizations', 'organization_roles'].flatMap(
        (table) => tables.get(table)?.oid ?? [],
      ),
    ],
  })
  const [first] = rows
  if (first === undefined) return ok(name, 'no row is hidden from this role')
  const blind = rows.filter(({ policies }) => policies === 0).map(({ table }) => table)
  const names = rows.map(({ table }) => table)
  const mend = names
    .map(
      (table) =>
        `CREATE POLICY tenantgate_reads ON ${table} FOR SELECT TO ${role.name} USING (true);`,
    )
    .join('\n')
  return blind.length > 0
    ? error(name, `row level security hides every row of ${blind.join(', ')} from ${role.name}`, {
        why: 'who is hidden is unknown or no member: every such request is refused',
        mend,
      })
    : warn(name, `row level security filters ${names.join(', ')} for ${role.name}`, {
        why: 'who is hidden is unknown or no member: whether its policies show every row cannot be told from here',
        mend,
      })
}

/** Several memberships of one user in one organization, which Better Auth allows. */
export async function examineDuplicates(database: Database): Promise<Finding> {
  const name = 'postgres.duplicates'
  const grouped = `SELECT user_id, organization_id, count(*) FROM members
GROUP BY user_id, organization_id HAVING count(*) > 1`
  const [row] = await database.query<{ user: string; org: string; rows: number; pairs: number }>({
    name: 'tenantgate_doctor_duplicates',
    text: `SELECT user_id::text AS user, organization_id::text AS org, rows::int, pairs::int FROM (
        SELECT user_id, organization_id, count(*) AS rows, count(*) OVER () AS pairs
        FROM members GROUP BY user_id, organization_id HAVING count(*) > 1) AS duplicates
      ORDER BY rows DESC, 1, 2 LIMIT 1`,
  })
  if (row === undefined) return ok(name, 'one membership for each user and organization')
  const { user, org, rows, pairs } = row
  return warn(
    name,
    `${counted(pairs, 'user has', 'users have')} several memberships in one organization, as ${JSON.stringify(user)} ${rows} in ${JSON.stringify(org)}`,
    {
      why: 'which row counts is not told anywhere, so only what all of them grant holds: a role that was given by one row alone is not in force',
      mend: `${grouped};\n-- remove all but one row of each, then, so that it stays so:\nCREATE UNIQUE INDEX CONCURRENTLY members_user_org_key ON members (user_id, organization_id);`,
    },
  )
}

interface RoleCount extends Record<string, unknown> {
  readonly role: string | null
  readonly count: number
}

async function countRoles(database: Database, table: string): Promise<ReadonlyMap<string, number>> {
  const rows = await database.query<RoleCount>({
    name: `tenantgate_doctor_roles_${table}`,
    text: `SELECT role::text AS role, count(*)::float8 AS count FROM ${table}
      GROUP BY role ORDER BY count(*) DESC LIMIT ${maxGroups}`,
  })
  const counts = new Map<string, number>()
  for (const { role, count } of rows) {
    for (const one of parseRoles(role ?? '')) counts.set(one, (counts.get(one) ?? 0) + count)
  }
  return counts
}

/** Roles of members that neither the policy nor `organization_roles` knows. */
export async function examineMemberRoles(database: Database, policy: Policy): Promise<Finding> {
  const name = 'postgres.roles.members'
  const counts = await countRoles(database, 'members')
  const dynamic = policy.definition.dynamicRoles
    ? await countRoles(database, 'organization_roles')
    : new Map<string, number>()
  const unknown = [...counts].filter(([role]) => !policy.roles.has(role) && !dynamic.has(role))
  if (unknown.length === 0) return ok(name, `the policy knows every role in members.role`)
  return warn(name, `the policy does not know ${told(unknown, 'member')}`, {
    why: 'a role that the policy does not know grants nothing: these members are refused what they may think they have',
    mend: unknown
      .map(
        ([role]) =>
          `roles: { ${JSON.stringify(role)}: [] }   # in the policy, with its permissions`,
      )
      .join('\n'),
  })
}

/** Platform roles that the policy does not know; Better Auth's own are as they should be. */
export async function examineUserRoles(database: Database, policy: Policy): Promise<Finding> {
  const name = 'postgres.roles.users'
  const counts = await countRoles(database, 'users')
  const unknown = [...counts].filter(([role]) => !policy.platformRoles.has(role))
  const odd = unknown.filter(([role]) => !ordinaryPlatformRoles.includes(role))
  if (odd.length > 0) {
    return warn(name, `platformRoles of the policy does not know ${told(odd, 'user')}`, {
      why: 'it grants nothing, which is harmless; but a name that is mistyped here or there looks the same',
      mend: odd
        .map(
          ([role]) =>
            `platformRoles: { ${JSON.stringify(role)}: [] }   # in the policy, if it is meant to grant`,
        )
        .join('\n'),
    })
  }
  const harmless = unknown.filter(([role]) => role !== 'user')
  return ok(
    name,
    harmless.length === 0
      ? 'the policy knows every platform role in users.role'
      : `${told(harmless, 'user')} grants nothing by this policy, which is harmless`,
  )
}

/** Rows of `organization_roles` that grant nothing because they cannot be read. */
export async function examineDynamicRoles(database: Database): Promise<Finding> {
  const name = 'postgres.roles.organization_roles'
  const rows = await database.query<{ organization: string; role: string; permission: string }>({
    name: 'tenantgate_doctor_dynamic',
    text: `SELECT organization_id::text AS organization, role, permission FROM organization_roles
      ORDER BY 1, 2 LIMIT 10000`,
  })
  const empty = rows.filter(({ permission }) => parseDynamicPermissions(permission).length === 0)
  if (empty.length === 0) return ok(name, `${counted(rows.length, 'dynamic role')}, all readable`)
  const names = empty.map(({ organization, role }) => `${JSON.stringify(role)} of ${organization}`)
  return warn(
    name,
    `${counted(empty.length, 'dynamic role')} that grant nothing: ${listed(names, 5)}`,
    {
      why: 'permission is no JSON as {"leave":["approve"]}, or names none: the row adds nothing to anybody',
      mend: `-- correct them by Better Auth's /organization/update-role\nSELECT id, organization_id, role, permission FROM organization_roles\nWHERE role IN (${[...new Set(empty.map(({ role }) => literal(role)))].slice(0, 5).join(', ')});`,
    },
  )
}

function told(roles: readonly (readonly [string, number])[], noun: string): string {
  return listed(roles.map(([role, count]) => `${JSON.stringify(role)} (${counted(count, noun)})`))
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
