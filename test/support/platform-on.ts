import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { changePublisher, type ChangePublisher } from './change-publisher.ts'
import { freshnessPolicy } from './freshness-policy.ts'
import { startInstance, type Instance } from './instance.ts'
import { createPeople, type People } from './people.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** PostgreSQL, Redis and NATS, each behind a proxy of the test's own, and who publishes changes. */
export interface Platform {
  /** Also the prefix of every id and subject: the servers are shared. */
  readonly name: string
  readonly people: People
  readonly postgres: TcpProxy
  readonly redis: TcpProxy
  readonly nats: TcpProxy
  /** Publishes to core NATS, whatever has become of the proxies. */
  readonly publish: (subject: string, body: unknown) => Promise<void>
  readonly publisher: ChangePublisher
  /** Starts an instance whose watch holds; undefined leaves a variable out. */
  readonly start: (env?: Readonly<Record<string, string | undefined>>) => Promise<Instance>
  readonly heal: () => void
  readonly close: () => Promise<void>
}

/** Where the servers are; the database is empty. */
export interface PlatformUrls {
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly natsUrl: string
}

/** Makes tables and proxies; `env` is what all instances start with. */
export async function startPlatformOn(
  urls: PlatformUrls,
  env: Readonly<Record<string, string>> = {},
): Promise<Platform> {
  const name = `t_${randomBytes(6).toString('hex')}`
  const folder = await mkdtemp(join(tmpdir(), 'tenantgate-facts-'))
  const policy = join(folder, 'policy.yaml')
  await writeFile(policy, freshnessPolicy)
  const people = await createPeople(urls.databaseUrl, name)
  const [postgres, redis, nats] = await Promise.all([
    startTcpProxy(urls.databaseUrl),
    startTcpProxy(urls.redisUrl),
    startTcpProxy(urls.natsUrl),
  ])
  const publisher = await changePublisher(urls.natsUrl)
  const started: Instance[] = []
  const heal = (): void => [postgres, redis, nats].forEach((proxy) => proxy.heal())
  return {
    ...{ name, people, postgres, redis, nats, publisher, heal },
    publish: (subject, body) => publisher.publish(`${name}.${subject}`, body),
    async start(more = {}) {
      const all: Readonly<Record<string, string | undefined>> = {
        TENANTGATE_POLICY: policy,
        TENANTGATE_DECISION_LOG: 'off',
        DATABASE_URL: postgres.url,
        REDIS_URL: redis.url,
        NATS_URL: nats.url,
        TENANTGATE_NATS_PREFIX: name,
        // A machine that runs other tests too may be slow; who tests slowness sets its own.
        TENANTGATE_DEADLINE: '1s',
        ...env,
        ...more,
      }
      const given = Object.entries(all).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      )
      const instance = await startInstance(Object.fromEntries(given))
      started.push(instance)
      if (all['NATS_URL'] !== undefined) await instance.untilWatch(true)
      return instance
    },
    async close() {
      heal()
      await Promise.all(started.map((instance) => instance.close()))
      await publisher.close()
      await people.close()
      await Promise.all([postgres, redis, nats].map((proxy) => proxy.close()))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
