import { createBoundedMap } from '../adapters/lru/bounded-map.ts'
import { createPostgresFactSource } from '../adapters/postgres/fact-source.ts'
import { openDatabase } from '../adapters/postgres/pool.ts'
import { createSchemaReader } from '../adapters/postgres/schema.ts'
import type { LineReplay, LineReplayDeps } from '../application/replay-lines.ts'
import { createLiveReplay } from '../application/replay-live.ts'
import type { Fact } from '../domain/fact.ts'
import { UsageError } from './exit.ts'

const statementMs = 10_000
/** Facts that are remembered, in number and in bytes. */
const maxFacts = 100_000
const maxFactBytes = 64 * 1024 * 1024
const factBytes = 400

/** Today's facts for a replay. */
export interface LiveFacts {
  readonly begin: () => LineReplay
  readonly close: () => Promise<void>
}

/** Opens the database of `DATABASE_URL`; throws `UsageError` where that is not set. */
export function openLiveFacts(deps: LineReplayDeps): LiveFacts {
  const url = process.env['DATABASE_URL'] ?? ''
  if (url === '') throw new UsageError("--facts live reads today's facts: set DATABASE_URL")
  const database = openDatabase({
    url,
    statementTimeoutMs: statementMs,
    connections: 1,
    maxWaiting: 1,
    onFault: () => undefined, // a statement on that connection fails and tells
  })
  const facts = createPostgresFactSource({
    database,
    schema: createSchemaReader(database),
    // Read in any case: some of the policies may heed them, others not.
    dynamicRoles: () => true,
    timeoutMs: statementMs * 2,
  })
  const known = createBoundedMap<Fact>({
    maxEntries: maxFacts,
    maxBytes: maxFactBytes,
    sizeOf: ({ dynamic, rows }, key) =>
      key.length * 2 + factBytes + rows.length * 100 + dynamic.size * 400,
  })
  return {
    begin: () => createLiveReplay({ ...deps, facts, known, signal: new AbortController().signal }),
    close: database.close,
  }
}
