import { readFileSync } from 'node:fs'

/** Where Better Auth keeps what, as far as it is not where it usually is. */
export interface SqlOptions {
  /** Default: the first schema of the search path. */
  readonly schema?: string | undefined
  /** Role of the relay, if it is not the owner of the outbox: it may read and delete there. */
  readonly relayRole?: string | undefined
  readonly tables?: TableNames | undefined
}

/** Each a name, or several of which the one that exists is taken. */
export interface TableNames {
  readonly user?: Names<'id' | 'role' | 'banned' | 'banExpires'> | undefined
  readonly member?: Names<'userId' | 'organizationId' | 'role'> | undefined
  readonly organization?: Names<'id'> | undefined
  readonly organizationRole?: Names<'organizationId' | 'role' | 'permission'> | undefined
}

export interface Names<Column extends string> {
  readonly table?: string | readonly string[] | undefined
  readonly columns?: Readonly<Partial<Record<Column, string | readonly string[]>>> | undefined
}

interface Config {
  schema: string | null
  relayRole: string | null
  readonly tables: Record<
    string,
    { table: readonly string[]; columns: Record<string, readonly string[]> }
  >
}

const read = (name: string) => readFileSync(new URL(`../sql/${name}`, import.meta.url), 'utf8')
const configured = /(config constant jsonb := ')([^']*)(')/

/** The SQL that makes the outbox and its triggers, for the owner of Better Auth's tables to run. */
export function tenantgateSql({ relayRole, schema, tables = {} }: SqlOptions = {}): string {
  return read('install.sql').replace(
    configured,
    (_all, before: string, json: string, after: string) => {
      const config = JSON.parse(json) as Config
      config.schema = schema ?? null
      config.relayRole = relayRole ?? null
      for (const [kind, names] of Object.entries(tables) as [string, Names<string> | undefined][]) {
        const known = config.tables[kind]
        if (known === undefined) throw new Error(`there is no table "${kind}"`)
        if (names?.table !== undefined) known.table = list(names.table)
        for (const [column, name] of Object.entries(names?.columns ?? {})) {
          if (known.columns[column] === undefined) throw new Error(`"${kind}" has no "${column}"`)
          if (name !== undefined) known.columns[column] = list(name)
        }
      }
      return `${before}${quoted(JSON.stringify(config, null, 2))}${after}`
    },
  )
}

/** The SQL that removes all of it. */
export const tenantgateUninstallSql = (): string => read('uninstall.sql')

const list = (names: string | readonly string[]): readonly string[] =>
  typeof names === 'string' ? [names] : names

/** Within a literal within a dollar-quoted block: a dollar sign is written so that it cannot end it. */
const quoted = (json: string): string => json.replaceAll("'", "''").replaceAll('$', '\\u0024')
