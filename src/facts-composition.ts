import type { Database } from './adapters/postgres/pool.ts'
import type { SchemaReader } from './adapters/postgres/schema.ts'
import type { Metrics } from './adapters/prometheus/metrics.ts'
import type { Readiness } from './application/readiness.ts'
import type { Config } from './config.ts'
import type { Policy } from './domain/policy.ts'
import type { ServiceLog } from './service.ts'

/** What the facts are put together from. */
export interface FactsComposition {
  readonly config: Config
  readonly database: Database
  readonly schema: SchemaReader
  readonly policy: () => Policy
  readonly metrics: Metrics
  readonly readiness: Readiness
  readonly log: ServiceLog
  readonly onFault: (kind: string) => (cause: unknown) => void
  readonly closers: (() => void | Promise<void>)[]
}
