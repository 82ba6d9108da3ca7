import pg from 'pg'
import { AppError } from '../../domain/errors.ts'
import type { Database, Statement } from './pool.ts'

/** One connection on which statements run one after another, so that session settings hold. */
export interface DoctorSession extends Database {
  /** Runs settings, which cannot be prepared. */
  readonly set: (sql: string) => Promise<void>
  /** The process that PostgreSQL, or a pooler before it, named at the start of the connection. */
  readonly announcedPid: number | null
}

/** How long a statement, and waiting for a lock, may take, in ms: below the limit of a check. */
const statementMs = 4_000
const lockMs = 1_000
const connectMs = 4_000

const settings =
  `SET default_transaction_read_only = on; SET TIME ZONE 'UTC'; ` +
  `SET statement_timeout = ${statementMs}; SET lock_timeout = ${lockMs}`

/** Opens a connection that can only read. */
export async function openDoctorSession(url: string): Promise<DoctorSession> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'tenantgate doctor',
    connectionTimeoutMillis: connectMs,
    query_timeout: statementMs + 500,
  })
  client.on('error', () => undefined) // the next statement tells it
  try {
    await client.connect()
    await client.query(settings)
  } catch (cause) {
    void client.end().catch(() => undefined)
    throw unavailable(cause)
  }
  return {
    announcedPid: (client as unknown as { readonly processID: number | null }).processID,
    async query<R extends pg.QueryResultRow>({ text, values }: Statement) {
      try {
        // Unnamed: nothing here runs twice, and a pooler may not keep prepared statements.
        return (await client.query<R>(text, [...(values ?? [])])).rows
      } catch (cause) {
        throw unavailable(cause)
      }
    },
    async set(sql) {
      try {
        await client.query(sql)
      } catch (cause) {
        throw unavailable(cause)
      }
    },
    close() {
      ;(client as unknown as { readonly unref: () => void }).unref() // a server that is gone holds nobody
      return client.end()
    },
  }
}

function unavailable(cause: unknown): AppError {
  return new AppError('DATABASE_UNAVAILABLE', whyOf(cause), { cause })
}

/** Node tells of several addresses that all failed with an empty message. */
function whyOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(whyOf).join('; ')
  return cause instanceof Error ? cause.message : String(cause)
}
