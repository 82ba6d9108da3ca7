import { isSchemaFault, type Database } from './pool.ts'

/** Additional fields of a member (Better Auth's `additionalFields`) that are told of a user. */
export type MemberColumn = 'manager_id' | 'department_id'

/** Tells which of them can be read; asked once and remembered until that proves wrong. */
export interface MemberColumnReader {
  /** Runs a statement made for the columns there are; one that fails for want of one forgets them. */
  readonly use: <T>(run: (has: ReadonlySet<MemberColumn>) => Promise<T>) => Promise<T>
}

const all = ['manager_id', 'department_id'] as const

/** How long a column that cannot be read is believed to stay so, in ms. */
const absenceMs = 1_000

/** A column without SELECT counts as missing: an operator who does not grant it hides it. */
const readable = {
  name: 'tenantgate_member_columns',
  text: `
    SELECT a.attname AS column FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = to_regclass('members') AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attname = ANY ($1::name[]) AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')`,
  values: [all],
}

/** Reads the columns from the catalogue. */
export function createMemberColumnReader(database: Database): MemberColumnReader {
  let known: Promise<ReadonlySet<MemberColumn>> | undefined
  let forgetAtMs = Infinity

  function read(): Promise<ReadonlySet<MemberColumn>> {
    if (known === undefined || performance.now() > forgetAtMs) {
      forgetAtMs = Infinity
      const reading = ask()
      reading.catch(forget)
      known = reading
    }
    return known
  }
  function forget(): void {
    known = undefined
  }
  async function ask(): Promise<ReadonlySet<MemberColumn>> {
    const rows = await database.query<{ readonly column: MemberColumn }>(readable)
    const has = new Set(rows.map(({ column }) => column))
    if (has.size < all.length) forgetAtMs = performance.now() + absenceMs
    return has
  }

  return {
    async use(run) {
      const has = await read()
      try {
        return await run(has)
      } catch (error) {
        if (isSchemaFault(error)) forget()
        throw error
      }
    },
  }
}
