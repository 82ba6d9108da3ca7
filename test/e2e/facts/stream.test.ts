import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startNats, type NatsServer } from '../../../src/adapters/servers/nats.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { marginMs } from '../../../src/domain/freshness.ts'
import { keepAsking } from '../../support/asking.ts'
import { freshnesses, routes } from '../../support/freshness-policy.ts'
import type { Instance } from '../../support/instance.ts'
import type { Person } from '../../support/people.ts'
import { startPlatform, type Platform } from '../../support/platform.ts'

describe('with a stream', { timeout: 60_000 }, () => {
  let nats: NatsServer
  let platform: Platform
  beforeAll(async () => {
    nats = await startNats({ binaries: await ensureWheels({}) })
    platform = await startPlatform({ TENANTGATE_VERIFY_AFTER: '60s' }, { natsUrl: nats.url })
    const { name, publisher } = platform
    await publisher.createStream({ name, subjects: [`${name}.>`] })
  })
  afterEach(() => platform.heal())
  afterAll(async () => {
    await platform.close()
    await nats.close()
  })

  const start = (env = {}): Promise<Instance> =>
    platform.start({ TENANTGATE_NATS_STREAM: platform.name, ...env })
  const add = (count: number): Promise<readonly Person[]> => platform.people.add(count)
  /** Takes the role away and stores the event. */
  async function revoke(person: Person): Promise<void> {
    await platform.people.setRole(person, 'viewer')
    await platform.publisher.store(`${platform.name}.member.role.changed`, {
      userId: person.user,
      organizationId: person.organization,
    })
  }
  const reasons = (instance: Instance, people: readonly Person[]): Promise<readonly string[]> =>
    Promise.all(
      people.map(async (person, index) => {
        const route = freshnesses[index % freshnesses.length] ?? 'claims'
        return (await instance.ask(person, route)).reason
      }),
    )

  it('a revocation is enforced at once, on every instance and route', async () => {
    const instances = await Promise.all([start(), start()])
    const people = await add(routes.length)
    const asking = instances.flatMap((instance) =>
      people.map((person, index) => keepAsking(instance, person, routes[index] ?? 'claims')),
    )
    await pause(500)
    for (const person of people) await revoke(person)
    const storedMs = performance.now()
    await pause(1_500)
    for (const one of asking) {
      await one.stop()
      expect(one.verdicts.some(({ allowed }) => allowed)).toBe(true)
      expect(one.verdicts.at(-1)?.reason).toBe('permission_denied')
      expect(one.lastAllowMs() - storedMs).toBeLessThan(1_000)
    }
    await Promise.all(instances.map((instance) => instance.close()))
  })

  it('what was stored while NATS was away from us is caught up on before facts grant again', async () => {
    const instance = await start({ TENANTGATE_VERIFY_AFTER: '1s' })
    const people = await add(freshnesses.length * 2)
    const [kept] = await add(1)
    if (kept === undefined) throw new Error('nobody was added')
    // The watch may begin as late as the stream was made, and does not cover the margin after it.
    await pause(marginMs + 500)
    expect(new Set(await reasons(instance, people))).toEqual(new Set(['granted']))
    await instance.ask(kept, 'cache')
    await pause(1_500) // so that nothing is left to be verified
    platform.nats.cut()
    await instance.untilWatch(false)
    await nats.stop()
    await nats.start()
    for (const person of people) await revoke(person)
    platform.nats.heal()
    await instance.untilWatch(true)
    // The watch goes on where it stopped: with PostgreSQL gone too, what was not revoked stands.
    platform.postgres.cut()
    expect(await instance.ask(kept, 'cache')).toMatchObject({ allowed: true, source: 'memory' })
    expect(new Set(await reasons(instance, people))).toEqual(new Set(['unavailable']))
    platform.postgres.heal()
    await expect
      .poll(async () => new Set(await reasons(instance, people)), { timeout: 5_000 })
      .toEqual(new Set(['permission_denied']))
    await instance.close()
  })

  it('after a restart Redis serves at once, but not what was revoked meanwhile', async () => {
    const before = await start()
    // Their own events, by which they became members, are older than the margin.
    const people = await add(12)
    await pause(6_000)
    expect(new Set(await reasons(before, people))).toEqual(new Set(['granted']))
    await before.ask(people[0] ?? nobody(), 'cache')
    await pause(200)
    await before.close()
    const [revoked, , , ...kept] = people
    if (revoked === undefined) throw new Error('nobody was added')
    await revoke(revoked)

    const after = await start()
    platform.postgres.cut()
    // Many at once: the second must find what the first has taken from Redis.
    const verdicts = await Promise.all(
      kept.flatMap((person) => Array.from({ length: 40 }, () => after.ask(person, 'cache'))),
    )
    expect(new Set(verdicts.map(({ reason }) => reason))).toEqual(new Set(['granted']))
    expect(new Set(verdicts.map(({ source }) => source))).not.toContain('postgres')
    expect(await after.metric('tenantgate_facts_total', { source: 'redis' })).toBeGreaterThan(0)
    expect((await after.ask(revoked, 'cache')).reason).toBe('unavailable')
    platform.postgres.heal()
    await expect
      .poll(async () => (await after.ask(revoked, 'cache')).reason, { timeout: 5_000 })
      .toBe('permission_denied')
    await after.close()
  })
})

function nobody(): never {
  throw new Error('nobody was added')
}
