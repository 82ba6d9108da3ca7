import { dropDatabase } from '../../src/adapters/servers/postgres.ts'
import { startPlatformOn, type Platform } from './platform-on.ts'
import { freshDatabase, servers } from './servers.ts'

export type { Platform } from './platform-on.ts'

/** Servers that take the place of the shared ones. */
export interface PlatformServers {
  readonly postgresUrl?: string
  readonly redisUrl?: string
  readonly natsUrl?: string
}

/** A platform on the servers that all tests share, in a database of its own that goes with it. */
export async function startPlatform(
  env: Readonly<Record<string, string>> = {},
  { natsUrl, postgresUrl, redisUrl }: PlatformServers = {},
): Promise<Platform> {
  const shared = servers()
  const databaseUrl = postgresUrl ?? (await freshDatabase('facts'))
  const urls = {
    databaseUrl,
    redisUrl: redisUrl ?? shared.redisUrl,
    natsUrl: natsUrl ?? shared.natsUrl,
  }
  const platform = await startPlatformOn(urls, env)
  return {
    ...platform,
    async close() {
      await platform.close()
      if (postgresUrl !== undefined) return
      await dropDatabase(shared.postgresUrl, new URL(databaseUrl).pathname.slice(1))
    },
  }
}
