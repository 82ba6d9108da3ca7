#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { createService } from './service.ts'
import { tenantgateSql, tenantgateUninstallSql, type Names } from './sql.ts'

const usage = `usage: npx @tenantgate/better-auth COMMAND
  sql [--schema NAME] [--relay-role ROLE] [TABLE=NAME | TABLE.COLUMN=NAME]...
      the SQL that records changes in the outbox; run it as the owner of Better Auth's tables
      TABLE is user, member, organization or organizationRole, COLUMN as Better Auth names it:
      sql member=staff member.userId=person
  uninstall-sql
      the SQL that removes it
  relay [--stream] [--prefix PREFIX]
      publishes the outbox of DATABASE_URL to NATS_URL, for servers that do not do it themselves`

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      schema: { type: 'string' },
      'relay-role': { type: 'string' },
      stream: { type: 'boolean' },
      prefix: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
}

/** `member=staff`, `member.userId=person` */
function readNames(words: readonly string[]): Record<string, Names<string>> {
  const tables: Record<string, { table?: string; columns: Record<string, string> }> = {}
  for (const word of words) {
    const { column, name, table } =
      /^(?<table>\w+)(\.(?<column>\w+))?=(?<name>.+)$/.exec(word)?.groups ?? {}
    if (table === undefined || name === undefined) throw new Error(`"${word}" is no TABLE=NAME`)
    const names = (tables[table] ??= { columns: {} })
    if (column === undefined) names.table = name
    else names.columns[column] = name
  }
  return tables
}

function relay(options: { readonly stream: boolean; readonly prefix: string | undefined }): void {
  const tell = (message: string) => console.error(message)
  const logger = {
    info: tell,
    warn: tell,
    error(message: string) {
      process.exitCode = 2 // its addresses cannot be read: nothing runs that would keep it alive
      tell(message)
    },
  }
  const tables = ['user', 'member', 'organization'] as const
  const service = createService(options, { logger: () => logger, tables })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void service.close())
  }
}

try {
  const { positionals, values } = parse(process.argv.slice(2))
  const [command, ...words] = positionals
  if (values.help === true || command === undefined) {
    console.log(usage)
    process.exitCode = values.help === true ? 0 : 2
  } else if (command === 'sql') {
    const tables = readNames(words)
    console.log(tenantgateSql({ schema: values.schema, relayRole: values['relay-role'], tables }))
  } else if (command === 'uninstall-sql') console.log(tenantgateUninstallSql())
  else if (command === 'relay') relay({ stream: values.stream === true, prefix: values.prefix })
  else throw new Error(`unknown command "${command}"`)
} catch (error) {
  console.error(`${(error as Error).message}\n\n${usage}`)
  process.exitCode = 2
}
