import pg from 'pg'
import { createGate, type GateCaller, type GateRefusal } from '../../application/gate.ts'
import { AppError } from '../../domain/errors.ts'

/** Runs read-only statements; rejects with `DATABASE_UNAVAILABLE` where no answer comes in time. */
export interface Database {
  readonly query: <R extends pg.QueryResultRow>(
    statement: Statement,
    /** A statement that still waits for a connection when it aborts is not sent; else after 5 s. */
    signal?: AbortSignal,
  ) => Promise<readonly R[]>
  readonly close: () => Promise<void>
}

/** Connections that statements share. */
export interface DatabasePool extends Database {
  /** Statements under way, and those that wait for a connection. */
  readonly usage: () => { readonly running: number; readonly waiting: number }
}

/** A statement that is prepared once a connection under its name. */
export interface Statement {
  readonly name: string
  readonly text: string
  readonly values?: readonly unknown[]
}

/** How a pool behaves. */
export interface DatabaseOptions {
  readonly url: string
  /** PostgreSQL gives a statement up after this time, in ms. */
  readonly statementTimeoutMs: number
  /** Connections at most. */
  readonly connections: number
  /** Statements that may wait for a connection; one more is refused at once. */
  readonly maxWaiting: number
  /** Told of faults of idle connections, which are replaced by themselves. */
  readonly onFault: (cause: unknown) => void
}

/** Whether a statement failed because tables or columns are not what they were (SQLSTATE class 42). */
export function isSchemaFault(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof pg.DatabaseError ? (cause.code ?? '') : ''
  return code.startsWith('42') || code === '0A000' // 0A000: a prepared plan no longer fits
}

const connectTimeoutMs = 2_000

const refusals: Readonly<Record<GateRefusal, string>> = {
  late: 'there was no time left for a statement',
  full: 'too many statements wait for a connection',
  hopeless: 'no connection would be free in time',
  gone: 'no connection was free in time',
}

/** How long a statement that nobody gives up may wait for a connection, in ms. */
const maxWaitMs = 5_000

/**
 * Opens a pool whose sessions can only read: `default_transaction_read_only`, UTC (Better Auth's
 * drizzle tables keep UTC wall clock without a zone) and a statement timeout.
 */
export function openDatabase(options: DatabaseOptions): DatabasePool {
  const settings =
    `SET default_transaction_read_only = on; SET TIME ZONE 'UTC'; ` +
    `SET statement_timeout = ${Math.ceil(options.statementTimeoutMs)}`
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: 'tenantgate',
    max: options.connections,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 60_000,
    // A server that vanished sends no error: the driver gives up a little after PostgreSQL would.
    query_timeout: Math.ceil(options.statementTimeoutMs * 1.25) + 5,
    keepAlive: true,
    // Awaited before the connection is used: one that could write is never handed out.
    onConnect: ((client: pg.ClientBase) => client.query(settings)) as unknown as (
      client: pg.ClientBase,
    ) => void,
  })
  pool.on('error', options.onFault)
  const gate = createGate({
    places: options.connections,
    maxWaiting: options.maxWaiting,
    patienceMs: options.statementTimeoutMs / 2,
    waitingShare: 1,
    monotonicNow: () => performance.now(),
    refusal: (why) => new AppError('DATABASE_UNAVAILABLE', refusals[why]),
  })
  return {
    query: async <R extends pg.QueryResultRow>(
      statement: Statement,
      signal: AbortSignal = AbortSignal.timeout(maxWaitMs),
    ) =>
      // In front of the pool, whose own queue cannot be left once it is joined.
      gate.run(async () => {
        const { name, text, values } = statement
        try {
          return (await pool.query<R>({ name, text, values: [...(values ?? [])] })).rows
        } catch (cause) {
          const why = cause instanceof Error ? cause.message : 'unknown error'
          throw new AppError('DATABASE_UNAVAILABLE', `PostgreSQL: ${why}`, { cause })
        }
      }, whoWaits(signal)),
    usage: gate.usage,
    close: () => pool.end(),
  }
}

/** How long it will wait is not known: it has as much time as it has until it gives up. */
const whoWaits = (signal: AbortSignal): GateCaller => ({
  leftMs: () => (signal.aborted ? 0 : Infinity),
  signal: () => signal,
})
