import { createPostgresFactSource } from './adapters/postgres/fact-source.ts'
import { openDatabase, type DatabasePool } from './adapters/postgres/pool.ts'
import type { RelayLog } from './adapters/pino/relay-log.ts'
import { createSchemaReader } from './adapters/postgres/schema.ts'
import type { Metrics } from './adapters/prometheus/metrics.ts'
import type { PooledMetrics } from './adapters/prometheus/pooled-metrics.ts'
import type { HttpServer } from './adapters/http/server.ts'
import type { PolicyHistory } from './application/policy-history.ts'
import { createPooledDecisions } from './application/pooled-decisions.ts'
import { pooledReadiness, type OwnReadiness } from './application/pooled-readiness.ts'
import type { ReadinessReport } from './application/readiness.ts'
import type { WorkerPool } from './application/worker-pool.ts'
import { composeAssertions } from './compose-assertions.ts'
import type { KeptDecisions } from './compose-decisions.ts'
import { composeHttp } from './compose-http.ts'
import { composeTokens } from './compose-tokens.ts'
import type { Config } from './config.ts'
import type { Policy } from './domain/policy.ts'
import type { ServiceLog } from './service.ts'

/** What the HTTP server of several workers is put together from. */
export interface WorkersFrontComposition {
  readonly config: Config
  readonly pool: WorkerPool
  readonly pooled: PooledMetrics
  readonly metrics: Metrics
  readonly relay: RelayLog | undefined
  readonly policy: () => Policy
  readonly policies: PolicyHistory
  readonly status: () => OwnReadiness
  readonly log: ServiceLog
  readonly now: () => number
  readonly monotonicNow: () => number
  readonly onFault: (kind: string) => (cause: unknown) => void
  readonly closers: (() => void | Promise<void>)[]
}

/** Time for a worker to say how it is, to tell its metrics and to look decisions up, in ms. */
const stateMs = 500
const metricsMs = 1_000
const decisionsMs = 1_000
/** Who asks the HTTP API is read from PostgreSQL each time: nothing is remembered here. */
const factsMs = 1_000
const connections = 2
const maxWaiting = 50

/** Starts the HTTP server: what workers know is asked of them, all else is the supervisor's own. */
export async function composeWorkersFront(parts: WorkersFrontComposition): Promise<HttpServer> {
  const { closers, config, log, metrics, monotonicNow, now, onFault, policy, pool, relay } = parts
  const database = openDatabase({
    url: config.databaseUrl,
    statementTimeoutMs: factsMs,
    ...{ connections, maxWaiting },
    onFault: onFault('postgres'),
  })
  closers.push(database.close)
  metrics.watchStatements('checks', database.usage)
  if (relay !== undefined) metrics.watchLog(relay.usage)
  let lastReport: ReadinessReport = { status: 'not_ready', components: {} }
  metrics.watchReadiness(() => lastReport)

  const report = shared(async () => {
    const asked = pool.places.map(({ ask }) => ask({ kind: 'state' }, stateMs))
    lastReport = pooledReadiness(await Promise.all(asked), parts.status())
    return lastReport
  })
  const expose = shared(async () => {
    await Promise.all([report(), ...pool.places.map(tellMetrics)])
    const { contentType, text } = await metrics.expose()
    return { contentType, text: parts.pooled.expose(text) }
  })

  async function tellMetrics({ ask }: WorkerPool['places'][number], index: number): Promise<void> {
    const text = await ask({ kind: 'metrics' }, metricsMs)
    if (text !== undefined) parts.pooled.told(index, text)
  }

  const schema = createSchemaReader(database)
  return composeHttp({
    ...{ closers, config, log, monotonicNow, now, onFault, schema },
    ...ofTokens(parts, database, schema),
    metrics: { watchStatements: metrics.watchStatements, expose },
    readiness: { report },
    assertions: composeAssertions(config.assertion, now, onFault('assertion')),
    kept: keptBy(parts),
    facts: factsFrom(database, schema, policy),
  })
}

function ofTokens(
  { closers, config, monotonicNow, onFault }: WorkersFrontComposition,
  database: DatabasePool,
  schema: ReturnType<typeof createSchemaReader>,
) {
  const onChanged = (): void => undefined // no identities are remembered here
  return {
    tokens: composeTokens({ closers, config, database, monotonicNow, onChanged, onFault, schema }),
    rules: { issuers: config.issuers, audiences: config.audiences },
  }
}

function factsFrom(
  database: DatabasePool,
  schema: ReturnType<typeof createSchemaReader>,
  policy: () => Policy,
) {
  const source = createPostgresFactSource({
    database,
    schema,
    dynamicRoles: () => policy().definition.dynamicRoles,
    timeoutMs: factsMs,
  })
  return {
    ask: (
      pair: Parameters<typeof source.read>[0],
      _freshness: unknown,
      signal: AbortSignal,
    ): ReturnType<typeof source.read> => source.read(pair, signal),
  }
}

/** The latest decisions of all workers. */
function keptBy({ config, policies, pool }: WorkersFrontComposition): KeptDecisions {
  if (config.adminDecisions === 0) return { pages: undefined, policies }
  const pages = createPooledDecisions({
    count: config.workers,
    incarnation: (index) => pool.places[index]?.incarnation() ?? 0,
    find: async (index, id) =>
      (await pool.places[index]?.ask({ kind: 'decision', id }, decisionsMs)) ?? undefined,
    page: async (index, query) =>
      pool.places[index]?.ask({ kind: 'decisions', ...query }, decisionsMs),
  })
  return { pages, policies }
}

/** Who comes while it is being found out waits for the same answer. */
function shared<T>(find: () => Promise<T>): () => Promise<T> {
  let under: Promise<T> | undefined
  return () => {
    under ??= find().finally(() => (under = undefined))
    return under
  }
}
