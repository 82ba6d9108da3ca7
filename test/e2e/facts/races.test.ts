import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepAsking, type Asking } from '../../support/asking.ts'
import type { Instance } from '../../support/instance.ts'
import type { Person } from '../../support/people.ts'
import { startPlatform, type Platform } from '../../support/platform.ts'
import { servers } from '../../support/servers.ts'

const repeats = 100
const atOnce = 10
/** How late PostgreSQL's answers come: they tell of what was, not of what is. */
const delayMs = 60
/** After an event was published, a request may be granted for so long; it is handled in 1 ms or so. */
const boundMs = 500

const announcements: readonly ((person: Person) => readonly [string, object])[] = [
  ({ organization, user }) => [
    'member.role.changed',
    { userId: user, organizationId: organization },
  ],
  ({ user }) => ['user.role.changed', { userId: user }],
  ({ organization }) => ['organization.role.changed', { organizationId: organization }],
]

describe('a role is revoked while older reads of it are under way', { timeout: 90_000 }, () => {
  let platform: Platform
  let redis: Redis
  beforeAll(async () => {
    platform = await startPlatform()
    redis = new Redis(servers().redisUrl)
  })
  afterAll(async () => {
    redis.disconnect()
    await platform.close()
  })

  /** Asks at every instance, revokes and announces it after so long; gives what was asked. */
  async function revokeAmid(
    instances: readonly Instance[],
    person: Person,
    { afterMs, turn }: { readonly afterMs: number; readonly turn: number },
  ): Promise<{ readonly asked: readonly Asking[]; readonly publishedMs: number }> {
    const asked = instances.flatMap((instance) =>
      (['cache', 'claims', 'verified'] as const).map((route) =>
        keepAsking(instance, person, route, { everyMs: 8 }),
      ),
    )
    await pause(afterMs)
    await platform.people.setRole(person, 'viewer')
    const [subject, body] = announcements[turn % announcements.length]?.(person) ?? ['', {}]
    await platform.publish(subject, body)
    const publishedMs = performance.now()
    await pause(700)
    for (const one of asked) await one.stop()
    return { asked, publishedMs }
  }

  /** Nothing is granted after a refusal at an instance, nor later than the bound anywhere. */
  function expectNoStaleGrant(asked: readonly Asking[], publishedMs: number): void {
    for (const { verdicts } of asked) {
      const refused = verdicts.find(({ reason }) => reason === 'permission_denied')
      expect(refused, 'the revocation was seen').toBeDefined()
      const knownMs = refused === undefined ? 0 : refused.sentMs + refused.ms
      const endMs = Math.min(knownMs, publishedMs + boundMs)
      expect(verdicts.filter(({ allowed, sentMs }) => allowed && sentMs > endMs)).toEqual([])
    }
  }

  async function repeat(
    instances: readonly Instance[],
    afterMs: () => number,
  ): Promise<readonly Person[]> {
    const all = await platform.people.add(repeats)
    let granted = 0
    for (let from = 0; from < repeats; from += atOnce) {
      const rounds = all
        .slice(from, from + atOnce)
        .map((person, index) => revokeAmid(instances, person, { afterMs: afterMs(), turn: index }))
      for (const { asked, publishedMs } of await Promise.all(rounds)) {
        expectNoStaleGrant(asked, publishedMs)
        granted += asked.filter(({ verdicts }) => verdicts.some(({ allowed }) => allowed)).length
      }
    }
    expect(granted, 'reads that told of the old role').toBeGreaterThan(repeats)
    return all
  }

  it('a first read: its answer grants nobody who came after the event, and is kept nowhere', async () => {
    // So that nothing is verified meanwhile, which would mend what went wrong.
    const env = { TENANTGATE_VERIFY_AFTER: '60s' }
    const instances = await Promise.all([platform.start(env), platform.start(env)])
    platform.postgres.delay(delayMs)
    const people = await repeat(instances, () => 5 + Math.random() * (delayMs + 20))
    platform.heal()
    const left = await redis.mget(people.map((one) => `perm:${one.user}:${one.organization}`))
    expect(left.filter((entry) => entry?.includes('doc:read') === true)).toEqual([])
    await Promise.all(instances.map((instance) => instance.close()))
  })

  it('a verification: it does not bring back what the event dropped', async () => {
    const env = { TENANTGATE_VERIFY_AFTER: '1s' }
    const instances = await Promise.all([platform.start(env), platform.start(env)])
    platform.postgres.delay(delayMs)
    await repeat(instances, () => 600 + Math.random() * 300)
    platform.heal()
  })
})
