import { startHttpServer, type HttpServer } from './adapters/http/server.ts'
import { createUserRoutes } from './adapters/http/user-routes.ts'
import { createPostgresOrganizationRepository } from './adapters/postgres/organization-repository.ts'
import { openDatabase } from './adapters/postgres/pool.ts'
import type { SchemaReader } from './adapters/postgres/schema.ts'
import { createPostgresUserRepository } from './adapters/postgres/user-repository.ts'
import type { Metrics } from './adapters/prometheus/metrics.ts'
import { createAuthenticate } from './application/authenticate.ts'
import type { FactsForHttp } from './application/facts.ts'
import type { ReadinessReport } from './application/readiness.ts'
import { createUsers } from './application/users.ts'
import { composeAdmin } from './compose-admin.ts'
import type { ComposedAssertions } from './compose-assertions.ts'
import type { KeptDecisions } from './compose-decisions.ts'
import type { Config } from './config.ts'
import type { ClaimRules } from './domain/identity.ts'
import type { TokenVerifier } from './ports/token-verifier.ts'
import type { ServiceLog } from './service.ts'

/** What a request to the HTTP API may take in all, and its statements, in ms. */
const timeoutMs = 2_000
const statementTimeoutMs = 1_000
/** Look-ups of users have connections of their own: a long list never stands in a check's way. */
const connections = 2
const maxWaiting = 50

/** What the HTTP API is put together from. */
export interface HttpComposition {
  readonly config: Config
  readonly schema: SchemaReader
  readonly tokens: TokenVerifier
  readonly rules: ClaimRules
  readonly facts: FactsForHttp
  readonly kept: KeptDecisions
  readonly assertions: ComposedAssertions | undefined
  readonly log: ServiceLog
  readonly monotonicNow: () => number
  readonly metrics: Pick<Metrics, 'expose' | 'watchStatements'>
  readonly readiness: { readonly report: () => ReadinessReport | Promise<ReadinessReport> }
  readonly now: () => number
  readonly onFault: (kind: string) => (cause: unknown) => void
  readonly closers: (() => void | Promise<void>)[]
}

/** Starts the HTTP server: ops, users and admin. */
export async function composeHttp(composition: HttpComposition): Promise<HttpServer> {
  const {
    assertions,
    closers,
    config,
    facts,
    metrics,
    now,
    onFault,
    readiness,
    rules,
    schema,
    tokens,
  } = composition
  const database = openDatabase({
    url: config.databaseUrl,
    statementTimeoutMs,
    connections,
    maxWaiting,
    onFault: onFault('postgres'),
  })
  closers.push(database.close)
  metrics.watchStatements('users', database.usage)
  const authenticate = createAuthenticate({
    tokens,
    rules,
    now,
    readFact: async (pair, signal) =>
      facts.known?.(pair, 'verified')?.fact ?? facts.ask(pair, 'verified', signal),
    onFault: onFault('http'),
  })
  const users = createUsers({
    users: createPostgresUserRepository({ database, schema }),
    organizations: createPostgresOrganizationRepository({ database, schema }),
  })
  const http = await startHttpServer({
    listen: config.httpListen,
    tls: config.httpTls,
    readiness: readiness.report,
    metrics: metrics.expose,
    routes: [
      createUserRoutes({ authenticate, users, timeoutMs }),
      composeAdmin(composition),
      ...(assertions === undefined ? [] : [assertions.routes]),
    ],
    onFault: onFault('http'),
  })
  closers.push(http.close)
  return http
}
