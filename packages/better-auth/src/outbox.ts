import pg from 'pg'
import { findFaults, type Table, type InstallationFaults } from './installation.ts'
import type { Message } from './publisher.ts'

export interface OutboxRow extends Message {
  /** Order of insertion; rows of a later one may become visible first. */
  readonly seq: string
}

/** `tenantgate.outbox` over one connection of its own. */
export interface Outbox {
  /** What is wrong with the outbox and its triggers, each with its mend. */
  readonly faults: (tables: readonly Table[]) => Promise<InstallationFaults>
  /** The first rows after one of this number. */
  readonly read: (after: string) => Promise<readonly OutboxRow[]>
  /** Deletes rows and gives how many were still there. */
  readonly remove: (rows: readonly OutboxRow[]) => Promise<number>
  readonly close: () => Promise<void>
}

export interface OutboxDeps {
  readonly databaseUrl: string
  /** Rows were added, by whichever process. */
  readonly onNotify: () => void
  /** The connection is gone; nothing else will come of it. */
  readonly onEnd: () => void
}

/** Rows that are published at once. */
export const batch = 500
const answerMs = 3_000

/** Connects and listens; rejects where PostgreSQL cannot be reached. */
export async function openOutbox({ databaseUrl, onNotify, onEnd }: OutboxDeps): Promise<Outbox> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'tenantgate/better-auth',
    connectionTimeoutMillis: answerMs,
    query_timeout: answerMs, // the client's own, which also ends waiting for a server that is gone
    keepAlive: true,
  })
  client.on('error', () => undefined) // `end` follows
  client.on('end', onEnd)
  client.on('notification', onNotify)
  const close = () => client.end().catch(() => undefined)
  try {
    await client.connect()
    await client.query('listen tenantgate_outbox')
  } catch (error) {
    void close()
    throw error
  }
  return {
    close,
    faults: (tables) => findFaults(async (text) => (await client.query<never>(text)).rows, tables),
    async read(after) {
      const { rows } = await client.query<OutboxRow>(
        `select seq::text, id::text, subject, body::text
          from tenantgate.outbox where seq > $1 order by seq limit ${batch}`,
        [after],
      )
      return rows
    },
    async remove(rows) {
      const { rowCount } = await client.query(
        'delete from tenantgate.outbox where seq = any($1::bigint[])',
        [rows.map(({ seq }) => seq)],
      )
      return rowCount ?? 0
    },
  }
}
