import { openDatabase, type DatabasePool } from './adapters/postgres/pool.ts'
import { createSchemaReader, type SchemaReader } from './adapters/postgres/schema.ts'
import type { Config } from './config.ts'
import { checkConnections } from './connection-shares.ts'

/** Share of the deadline after which PostgreSQL gives a statement up. */
const statementShare = 0.6
/** Statements that may wait for a connection; they leave when their check gives up. */
const maxWaitingStatements = 1_000

/** The database that checks rest on; closing it is left to whoever takes it. */
export interface CheckDatabase {
  readonly database: DatabasePool
  readonly schema: SchemaReader
  /** Has faults of idle connections told, also of those that came before. */
  readonly tellFaults: (to: (cause: unknown) => void) => void
}

/** Opens the database that checks rest on, and connects: that goes on while other parts load. */
export function composeDatabase(
  config: Pick<Config, 'databaseUrl' | 'deadlineMs' | 'workers'>,
): CheckDatabase {
  const untold: unknown[] = []
  let tell = (cause: unknown): void => void untold.push(cause)
  const database = openDatabase({
    url: config.databaseUrl,
    statementTimeoutMs: config.deadlineMs * statementShare,
    connections: checkConnections(config.workers),
    maxWaiting: maxWaitingStatements,
    onFault: (cause) => tell(cause),
  })
  const schema = createSchemaReader(database)
  // What comes of it, `watchDatabase` finds out.
  void schema.use(() => Promise.resolve()).catch(() => undefined)
  return {
    database,
    schema,
    tellFaults(to) {
      tell = to
      for (const cause of untold.splice(0)) to(cause)
    },
  }
}
