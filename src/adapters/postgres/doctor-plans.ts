import { error, ok, type Finding } from '../../domain/finding.ts'
import type { Catalogue, TableInfo } from './doctor-catalogue.ts'
import type { NeededIndex } from './doctor-indexes.ts'
import type { DoctorSession } from './doctor-session.ts'

/** Below this number of rows reading the whole table is quick, and what the planner rightly does. */
const manyRows = 10_000

/** A node of `EXPLAIN (FORMAT JSON)`, as much of it as is looked at. */
interface PlanNode {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly Plans?: readonly PlanNode[]
}

/**
 * Whether the planner uses an index for look-ups. On a small table it is asked with sequential scans
 * discouraged, so that only an index it cannot use is told; on a large one as it would plan for the
 * service, for values that few rows have. Which of several indexes it takes is its own business.
 */
export async function examinePlan(
  session: DoctorSession,
  catalogue: Catalogue,
  needed: NeededIndex,
): Promise<Finding> {
  const name = `postgres.plan.${needed.name}`
  const table = catalogue.tables.get(needed.table)
  if (table === undefined) return ok(name, `no table ${needed.table} to plan for`)
  const large = table.estimatedRows >= manyRows
  const nodes = flat(await plan(session, table, needed, large))
  const used = nodes.flatMap((node) => node['Index Name'] ?? [])
  const scanned = nodes.some(
    (node) => node['Node Type'].endsWith('Seq Scan') && node['Relation Name'] === needed.table,
  )
  const on = `${needed.table} by ${needed.columns.join(' and ')}`
  if (scanned) {
    return error(name, `PostgreSQL reads all of ${on}, though an index serves it`, {
      why: needed.why,
      mend: `ANALYZE ${needed.table};   -- if that does not help: SHOW enable_indexscan; SHOW random_page_cost;`,
    })
  }
  return ok(name, `${on}: ${used.join(', ')}`)
}

async function plan(
  session: DoctorSession,
  table: TableInfo,
  needed: NeededIndex,
  large: boolean,
): Promise<readonly PlanNode[]> {
  const [first = 'id'] = needed.columns
  const where = needed.columns
    .map((column) => `${column} = ${anyValue(table.columns.get(column)?.type)}`)
    .join(' AND ')
  await session.set(`SET enable_seqscan = ${large ? 'on' : 'off'}`)
  const rows = await session.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>({
    name: 'tenantgate_doctor_plan',
    text: `EXPLAIN (FORMAT JSON) SELECT ${first} FROM ${needed.table} WHERE ${where}`,
  })
  return rows.flatMap((row) => row['QUERY PLAN'].map(({ Plan }) => Plan))
}

/** A value of a column's type that stands for any; PostgreSQL plans, it does not run. */
function anyValue(type: string | undefined): string {
  if (type === 'uuid') return "'00000000-0000-0000-0000-000000000000'"
  if (type === 'integer' || type === 'bigint') return '1'
  return "'tenantgate'"
}

function flat(nodes: readonly PlanNode[]): readonly PlanNode[] {
  return nodes.flatMap((node) => [node, ...flat(node.Plans ?? [])])
}
