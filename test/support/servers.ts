import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { createDatabase } from '../../src/adapters/servers/postgres.ts'

/** What global-setup.ts started, once for the whole run. */
export interface TestServers {
  readonly postgresUrl: string
  readonly redisUrl: string
  readonly natsUrl: string
  /** Path of the executable. */
  readonly envoy: string
}

declare module 'vitest' {
  interface ProvidedContext {
    servers: TestServers
  }
}

/**
 * The servers that all test files share, so: a database of one's own (`freshDatabase`), and names of
 * one's own (`uniqueName`) in Redis and NATS. Who stops or freezes a server starts one for itself.
 */
export const servers = (): TestServers => inject('servers')

export const uniqueName = (prefix: string) => `${prefix}_${randomBytes(6).toString('hex')}`

/** The URL of a new, empty database. */
export const freshDatabase = (prefix = 'test') =>
  createDatabase(servers().postgresUrl, uniqueName(prefix))
