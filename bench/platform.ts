import { startNats, type NatsServer } from '../src/adapters/servers/nats.ts'
import { startPostgres, type PostgresServer } from '../src/adapters/servers/postgres.ts'
import { startValkey, type ValkeyServer } from '../src/adapters/servers/valkey.ts'
import { ensureWheels } from '../src/adapters/servers/wheels.ts'
import { startPlatformOn, type Platform } from '../test/support/platform-on.ts'

/** Real servers of the measurement's own, without proxies in between. */
export interface BenchPlatform {
  readonly platform: Platform
  readonly postgres: PostgresServer
  readonly nats: NatsServer
  readonly valkey: ValkeyServer
  /** What instances start with, so that they speak to the servers themselves. */
  readonly direct: Readonly<Record<string, string>>
  /** Adds users `<name>-u<n>`, each staff of `<name>-o<n>`, n from 1,000,000 on. */
  readonly addMany: (count: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** The number of the first user that `addMany` makes. */
export const firstOfMany = 1_000_000

export async function startBenchPlatform(): Promise<BenchPlatform> {
  const binaries = await ensureWheels({})
  const [postgres, nats, valkey] = await Promise.all([
    startPostgres({ binaries }),
    startNats({ binaries }),
    startValkey({ binaries, args: ['--maxmemory', '512mb', '--maxmemory-policy', 'allkeys-lru'] }),
  ])
  const platform = await startPlatformOn({
    databaseUrl: postgres.url,
    redisUrl: valkey.url,
    natsUrl: nats.url,
  })
  const { name, people } = platform
  return {
    ...{ platform, postgres, nats, valkey },
    direct: { DATABASE_URL: postgres.url, REDIS_URL: valkey.url, NATS_URL: nats.url },
    async addMany(count) {
      const numbers = `generate_series(${firstOfMany}, ${firstOfMany + count - 1}) AS n`
      await people.sql(`INSERT INTO users (id, name, email, email_verified, role)
        SELECT '${name}-u' || n, n, n || '@example.com', true, 'user' FROM ${numbers}`)
      await people.sql(`INSERT INTO organizations (id, name, slug, created_at)
        SELECT '${name}-o' || n, n, '${name}-o' || n, now() FROM ${numbers}`)
      await people.sql(`INSERT INTO members (id, organization_id, user_id, role, created_at)
        SELECT '${name}-m' || n, '${name}-o' || n, '${name}-u' || n, 'staff', now() FROM ${numbers}`)
      await people.sql('ANALYZE')
    },
    async close() {
      await platform.close()
      await Promise.all([postgres.close(), nats.close(), valkey.close()])
    },
  }
}
