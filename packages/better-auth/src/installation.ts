/** A table of Better Auth, by the name it has there. */
export type Table = 'user' | 'member' | 'organization' | 'organizationRole'

/** What is wrong with what the owner of the tables installs, each with its mend. */
export interface InstallationFaults {
  /** Without it there is nothing to read. */
  readonly readable: boolean
  readonly messages: readonly string[]
}

interface State {
  readonly outbox: boolean
  readonly usable: boolean | null
  readonly role: string
}

interface Trigger {
  readonly relation: string
  readonly name: string
  readonly enabled: string
  /** Hexadecimal; each argument ends with a zero byte. */
  readonly args: string
  readonly columns: readonly string[]
}

const install = 'npx @tenantgate/better-auth sql | psql "$DATABASE_URL" -1'

/** The system tables alone: they may be read by a role that may do nothing else. */
const stateSql = `
  select c.oid is not null as outbox, current_user as role,
    has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
      and has_table_privilege(c.oid, 'delete') as usable
  from (select 1) one
    left join pg_catalog.pg_namespace n on n.nspname = 'tenantgate'
    left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = 'outbox'`

const triggersSql = `
  select t.tgrelid::regclass::text as relation, t.tgname as name, t.tgenabled as enabled,
    encode(t.tgargs, 'hex') as args,
    array(select a.attname::text from pg_catalog.pg_attribute a
      where a.attrelid = t.tgrelid and a.attnum > 0 and not a.attisdropped) as columns
  from pg_catalog.pg_trigger t
    join pg_catalog.pg_proc p on p.oid = t.tgfoid
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname = 'tenantgate' and p.proname = 'capture'`

/** Looks whether all changes of these tables are recorded, and whether the record may be read. */
export async function findFaults(
  query: <T>(text: string) => Promise<readonly T[]>,
  tables: readonly Table[],
): Promise<InstallationFaults> {
  const [state] = await query<State>(stateSql)
  if (state?.outbox !== true) {
    const message = `the outbox is missing, so no change is published; run, as the owner of the tables: ${install}`
    return { readable: false, messages: [message] }
  }
  if (state.usable !== true) {
    const grant = `grant usage on schema tenantgate to "${state.role}"; grant select, delete on tenantgate.outbox to "${state.role}"`
    const message = `"${state.role}" may not read the outbox, so it publishes nothing; run, as its owner: ${grant}`
    return { readable: false, messages: [message] }
  }
  const triggers = await query<Trigger>(triggersSql)
  return { readable: true, messages: tables.flatMap((table) => triggerFaults(table, triggers)) }
}

function triggerFaults(table: Table, triggers: readonly Trigger[]): readonly string[] {
  const own = triggers.filter((trigger) => argumentsOf(trigger)[0] === table)
  const capture = own.find(({ name }) => name === 'tenantgate_capture')
  if (capture === undefined) {
    return [`changes of the table of "${table}" are not recorded; run, as its owner: ${install}`]
  }
  if (own.some(({ enabled }) => enabled === 'D' || enabled === 'R')) {
    const message = `a trigger of ${capture.relation} is switched off, so changes are not recorded; run, as its owner: `
    const enable = ['capture', 'truncate'].map((name) => `enable always trigger tenantgate_${name}`)
    return [`${message}alter table ${capture.relation} ${enable.join(', ')}`]
  }
  if (!own.some(({ name }) => name === 'tenantgate_truncate')) {
    return [`truncate of ${capture.relation} is not recorded; run, as its owner: ${install}`]
  }
  // A column that the table does not have is always null: none of its changes would be seen.
  const gone = argumentsOf(capture)
    .slice(1)
    .filter((name) => name !== '' && !capture.columns.includes(name))
  if (gone.length > 0) {
    const message = `changes of ${capture.relation} are recorded for "${table}" by columns that are gone: ${gone.join(', ')}`
    return [`${message}; run, as its owner: ${install}`]
  }
  return []
}

function argumentsOf({ args }: Trigger): readonly string[] {
  return Buffer.from(args, 'hex').toString('utf8').split('\0').slice(0, -1)
}
