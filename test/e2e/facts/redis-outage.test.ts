import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Redis } from 'ioredis'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { startValkey, type ValkeyServer } from '../../../src/adapters/servers/valkey.ts'
import type { Instance } from '../../support/instance.ts'
import { startPlatform, type Platform } from '../../support/platform.ts'
import { startRedisImpostor, type RedisImpostor } from '../../support/redis-impostor.ts'

/** Well above what a check takes on a busy machine, well below the second of a frozen Redis. */
const boundMs = 500

describe('whatever becomes of Redis, no client sees a difference', { timeout: 60_000 }, () => {
  let valkey: ValkeyServer
  let platform: Platform
  let instance: Instance
  let admin: Redis
  beforeAll(async () => {
    valkey = await startValkey({ binaries: await ensureWheels({}) })
    platform = await startPlatform({}, { redisUrl: valkey.url })
    instance = await platform.start()
    admin = new Redis(valkey.url)
    admin.on('error', () => undefined)
    await expectNoDifference() // the first requests of a process take their time
  })
  afterEach(async () => {
    valkey.resume()
    await valkey.start()
    platform.heal()
    await expect.poll(available, { timeout: 5_000 }).toBe(1)
    await expectServes()
  })
  afterAll(async () => {
    admin.disconnect()
    await platform.close()
    await valkey.close()
  })

  const available = (): Promise<number> => instance.metric('tenantgate_cache_available')

  /** Members and strangers, of whom nobody in the process knows yet: each asks Redis. */
  async function expectNoDifference(asked = instance): Promise<void> {
    for (let round = 0; round < 4; round += 1) {
      const people = await platform.people.add(25)
      const viewers = await platform.people.add(5, { role: 'viewer' })
      for (const person of people) {
        for (const route of ['cache', 'claims', 'verified'] as const) {
          const { ms, reason } = await asked.ask(person, route)
          expect(reason).toBe('granted')
          expect(ms).toBeLessThan(boundMs)
        }
      }
      for (const person of viewers) {
        expect((await asked.ask(person, 'cache')).reason).toBe('permission_denied')
      }
    }
  }

  /** Redis is used again: what is read is written there. */
  async function expectServes(): Promise<void> {
    const [person] = await platform.people.add(1)
    if (person === undefined) throw new Error('nobody was added')
    expect((await instance.ask(person, 'cache')).reason).toBe('granted')
    const key = `perm:${person.user}:${person.organization}`
    await expect.poll(() => admin.exists(key), { timeout: 2_000 }).toBe(1)
  }

  it('it is stopped', async () => {
    await valkey.stop()
    await expectNoDifference()
    expect(await available()).toBe(0)
  })

  it('it is frozen', async () => {
    valkey.pause()
    await expectNoDifference()
    expect(await available()).toBe(0)
  })

  it('the way to it drops all packets', async () => {
    platform.redis.swallow()
    await expectNoDifference()
    expect(await available()).toBe(0)
  })

  it('it is slow', async () => {
    platform.redis.delay(300)
    await expectNoDifference()
  })

  it('it is full and evicts nothing', async () => {
    await admin.config('SET', 'maxmemory-policy', 'noeviction')
    await admin.config('SET', 'maxmemory', '1')
    await expectNoDifference()
    await admin.config('SET', 'maxmemory', '0')
  })

  it('its keys are of another type', async () => {
    const people = await platform.people.add(20)
    for (const { organization, user } of people) {
      await admin.lpush(`perm:${user}:${organization}`, 'x')
    }
    for (const person of people) {
      const { ms, reason } = await instance.ask(person, 'cache')
      expect(reason).toBe('granted')
      expect(ms).toBeLessThan(boundMs)
    }
  })

  it('it restarts while it is in use', async () => {
    const work = expectNoDifference()
    await valkey.stop()
    await valkey.start()
    await work
  })

  describe('what answers there is no Redis', () => {
    const impostors: RedisImpostor[] = []
    afterAll(() => Promise.all(impostors.map((impostor) => impostor.close())))

    it.each([
      ['garbage', { answer: () => '?!\r\n\u0000' }],
      ['errors', { answer: () => '-ERR no\r\n' }],
      [
        'a value of another kind',
        { answer: (name: string) => (name === 'PING' ? '+PONG\r\n' : ':1\r\n') },
      ],
      ['a hang-up', { hangsUp: true }],
      ['silence', {}],
    ])('%s', async (_name, answers) => {
      const impostor = await startRedisImpostor(answers)
      impostors.push(impostor)
      const other = await platform.start({ REDIS_URL: impostor.url })
      for (const person of await platform.people.add(3)) await other.ask(person, 'cache')
      await expectNoDifference(other)
      expect(impostor.opened()).toBeGreaterThan(0)
      await other.close()
    })
  })
})
