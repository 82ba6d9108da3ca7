import type { Database } from './adapters/postgres/pool.ts'
import type { SchemaReader } from './adapters/postgres/schema.ts'
import { messageOf, publicMessageOf } from './application/faults.ts'
import type { Readiness } from './application/readiness.ts'
import { watchDatabase, type DatabaseWatch } from './application/watch-database.ts'
import type { ServiceLog } from './service.ts'

/** What the look at the database is put together from. */
export interface DatabaseWatchComposition {
  readonly database: Database
  readonly schema: SchemaReader
  readonly readiness: Pick<Readiness, 'databaseAnswered' | 'databaseFailed'>
  readonly log: ServiceLog
  /** It began or ceased to answer, or did not from the start. */
  readonly onChange: () => void
}

/** Follows whether the database answers, and with what schema. */
export function composeDatabaseWatch(composition: DatabaseWatchComposition): DatabaseWatch {
  const { database, log, onChange, readiness, schema } = composition
  return watchDatabase({
    probe: async () => {
      await schema.use(() => database.query({ name: 'tenantgate_probe', text: 'SELECT 1' }))
    },
    schedule(task, afterMs) {
      const timer = setTimeout(task, afterMs)
      return { cancel: () => clearTimeout(timer) }
    },
    onAnswer: readiness.databaseAnswered,
    onFailure: (cause) => readiness.databaseFailed(publicMessageOf(cause)),
    onChange(answers, cause) {
      onChange()
      if (answers) log.info({}, 'PostgreSQL answers')
      else log.warn({ cause: messageOf(cause) }, 'PostgreSQL does not answer')
    },
  })
}
