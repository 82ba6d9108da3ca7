import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepAsking } from '../../support/asking.ts'
import { forgeEntry, soundJson } from '../../support/forged-entry.ts'
import { secret, type Instance } from '../../support/instance.ts'
import type { Person } from '../../support/people.ts'
import { startPlatform, type Platform } from '../../support/platform.ts'
import { servers } from '../../support/servers.ts'

const keyOf = ({ organization, user }: Person): string => `perm:${user}:${organization}`

describe('who can write to the shared Redis', { timeout: 60_000 }, () => {
  let platform: Platform
  let redis: Redis
  /** `reader` is asked first, so that `newcomer` finds in Redis what was read. */
  let reader: Instance
  let newcomer: Instance
  beforeAll(async () => {
    platform = await startPlatform({ TENANTGATE_VERIFY_AFTER: '60s' })
    redis = new Redis(servers().redisUrl)
    ;[reader, newcomer] = await Promise.all([platform.start(), platform.start()])
    await pause(6_000) // from now on what is read is newer than the watches, by the margin
  })
  afterAll(async () => {
    redis.disconnect()
    await platform.close()
  })

  const addOne = async (role = 'staff'): Promise<Person> => {
    const [person] = await platform.people.add(1, { role })
    if (person === undefined) throw new Error('nobody was added')
    return person
  }

  /** What the service itself wrote of a person. */
  async function entryOf(person: Person): Promise<string> {
    await reader.ask(person, 'cache')
    return expect
      .poll(() => redis.get(keyOf(person)), { timeout: 2_000 })
      .not.toBeNull()
      .then(async () => (await redis.get(keyOf(person))) ?? '')
  }

  it('reads plain permissions there, for 5 min at most', async () => {
    const person = await addOne()
    const entry = JSON.parse(await entryOf(person)) as string[]
    expect(entry.slice(0, -1)).toEqual(['doc:read'])
    expect(entry.at(-1)).toMatch(/^~tg1\.[\w-]+\.[\w-]+$/)
    const ttlMs = await redis.pttl(keyOf(person))
    expect(ttlMs).toBeGreaterThan(290_000)
    expect(ttlMs).toBeLessThanOrEqual(300_000)
    // The service itself takes it from there.
    expect(await newcomer.ask(person, 'cache')).toMatchObject({ allowed: true, source: 'redis' })
  })

  it('grants nothing to nobody with an entry that it made, changed or took from another', async () => {
    const staff = await addOne()
    const genuine = await entryOf(staff)
    const json = (verifiedAtMs: number) =>
      soundJson({ verified_at: verifiedAtMs, rows: [['staff']] })
    const nowMs = Date.now()
    const forged = (person: Person, key: string): string =>
      forgeEntry(key, { ...person, permissions: ['doc:read'], json: json(nowMs) })
    const entries: readonly ((person: Person) => string)[] = [
      () => '["doc:read"]',
      () => '["*"]',
      (person) => forged(person, 'another secret with more than 32 characters'),
      () => genuine,
      (person) => forged({ ...person, organization: staff.organization }, secret),
      (person) => forged(person, secret).replace('doc:read', 'doc:list'),
      (person) => forgeEntry(secret, { ...person, json: json(nowMs + 3_600_000) }),
      (person) => forgeEntry(secret, { ...person, json: json(nowMs - 3_600_000) }),
    ]
    for (const [index, entry] of entries.entries()) {
      const viewer = await addOne('viewer')
      await redis.set(keyOf(viewer), entry(viewer), 'PX', 60_000)
      for (const route of ['cache', 'claims', 'verified', 'database'] as const) {
        const { reason } = await newcomer.ask(viewer, route)
        expect(reason, `entry ${index} on ${route}`).toBe('permission_denied')
      }
    }
    // And the forger of these tests makes sound ones: this is what would grant.
    const viewer = await addOne('viewer')
    await redis.set(keyOf(viewer), forged(viewer, secret), 'PX', 60_000)
    expect(await newcomer.ask(viewer, 'cache')).toMatchObject({ allowed: true, source: 'redis' })
  })

  it.each([
    [
      'the pair',
      ({ organization, user }: Person) => ({ userId: user, organizationId: organization }),
    ],
    ['the user alone', ({ user }: Person) => ({ userId: user })],
    ['the organization alone', ({ organization }: Person) => ({ organizationId: organization })],
  ])(
    'brings nothing back by writing an old entry again after an event of %s',
    async (_of, body) => {
      const [early, late] = [await addOne(), await addOne()]
      const entries = new Map([
        [early, await entryOf(early)],
        [late, await entryOf(late)],
      ])
      for (const person of [early, late]) {
        await platform.people.setRole(person, 'viewer')
        await platform.publish('member.role.changed', body(person))
      }
      const seen = { subject: 'member.role.changed', outcome: 'applied' }
      const before = performance.now()
      await expect
        .poll(async () => (await newcomer.metric('tenantgate_events_total', seen)) % 2)
        .toBe(0)
      const replaying = setInterval(() => {
        for (const [person, entry] of entries) void redis.set(keyOf(person), entry, 'PX', 60_000)
      }, 20)
      try {
        const asking = [reader, newcomer].map((one) => keepAsking(one, early, 'cache'))
        await pause(6_500 - (performance.now() - before)) // past the margin: Redis is asked again
        for (const one of asking) {
          await one.stop()
          expect(one.verdicts.filter(({ allowed }) => allowed)).toEqual([])
        }
        // Nobody has asked for this one since.
        for (const one of [reader, newcomer]) {
          expect((await one.ask(late, 'cache')).reason).toBe('permission_denied')
        }
        const restarted = await platform.start()
        for (const person of [early, late]) {
          expect((await restarted.ask(person, 'cache')).reason).toBe('permission_denied')
        }
        await restarted.close()
      } finally {
        clearInterval(replaying)
      }
    },
  )

  it('does no harm by deleting entries', async () => {
    const person = await addOne()
    await entryOf(person)
    const asking = [reader, newcomer].map((one) => keepAsking(one, person, 'cache', { everyMs: 2 }))
    for (let round = 0; round < 50; round += 1) {
      await redis.del(keyOf(person))
      await pause(10)
    }
    for (const one of asking) {
      await one.stop()
      expect(one.verdicts.filter(({ allowed }) => !allowed)).toEqual([])
    }
  })
})
