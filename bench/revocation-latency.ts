import { setTimeout as pause } from 'node:timers/promises'
import type { Instance } from '../test/support/instance.ts'
import type { Person } from '../test/support/people.ts'
import { startLoad } from './load.ts'
import { firstOfMany, startBenchPlatform } from './platform.ts'

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const pairs = Number(process.env['BENCH_PAIRS'] ?? 1_000)
const probeEveryMs = 1
const loadPerSecond = 1_000

const bench = await startBenchPlatform()
const { addMany, direct, platform } = bench
const { name, people, publisher } = platform
await publisher.createStream({ name, subjects: [`${name}.>`] })
await addMany(pairs)
const all = Array.from({ length: pairs }, (_, index) => ({
  user: `${name}-u${firstOfMany + index}`,
  organization: `${name}-o${firstOfMany + index}`,
}))
const subject = `${name}.member.role.changed`

/** From the publishing of the event to the first refusal in hand, a probe's own way included. */
async function measure(
  instance: Instance,
  person: Person,
  publish: (event: object) => Promise<unknown>,
) {
  await instance.ask(person, 'cache')
  let refusedMs = Infinity
  let probing = true
  const probes: Promise<void>[] = []
  const probe = async (): Promise<void> => {
    const { ms, reason, sentMs } = await instance.ask(person, 'cache')
    if (reason === 'permission_denied') refusedMs = Math.min(refusedMs, sentMs + ms)
  }
  await people.setRole(person, 'viewer')
  const publishedMs = performance.now()
  void publish({ userId: person.user, organizationId: person.organization })
  while (probing) {
    probes.push(probe())
    await pause(probeEveryMs)
    if (refusedMs < Infinity || performance.now() - publishedMs > 5_000) probing = false
  }
  await Promise.all(probes)
  return refusedMs - publishedMs
}

for (const transport of ['core NATS', 'JetStream'] as const) {
  const stream = transport === 'JetStream' ? { TENANTGATE_NATS_STREAM: name } : {}
  // So long that nothing but the event enforces it.
  const instance = await platform.start({ ...direct, ...stream, TENANTGATE_VERIFY_AFTER: '60s' })
  const load = startLoad({
    ...{ address: instance.process.grpcAddress, route: 'cache', prefix: name, first: firstOfMany },
    ...{ count: pairs, rate: loadPerSecond, once: false, claims: 'none' },
  })
  await pause(3_000)
  for (let round = 1; round <= rounds; round += 1) {
    const delays: number[] = []
    const asked = load.latest().asked
    const startMs = performance.now()
    for (const person of all) {
      const publish = (event: object) =>
        transport === 'JetStream'
          ? publisher.store(subject, event)
          : publisher.publish(subject, event)
      delays.push(await measure(instance, person, publish))
    }
    const tookS = (performance.now() - startMs) / 1_000
    await people.sql(`UPDATE members SET role = 'staff'`)
    for (const { user } of all) await publisher.store(`${name}.user.role.changed`, { userId: user })
    delays.sort((a, b) => a - b)
    const at = (share: number) => Number(delays[Math.floor(share * delays.length)]?.toFixed(2))
    const loadRps = Math.round((load.latest().asked - asked) / tookS)
    console.log(
      JSON.stringify({
        ...{ transport, round, events: delays.length, loadRps },
        ...{ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: Number(delays.at(-1)?.toFixed(2)) },
      }),
    )
    await pause(500)
  }
  await load.stop()
  await instance.close()
}
await bench.close()
