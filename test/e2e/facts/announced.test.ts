import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { keepAsking } from '../../support/asking.ts'
import { routes } from '../../support/freshness-policy.ts'
import type { Instance } from '../../support/instance.ts'
import type { Person } from '../../support/people.ts'
import { startPlatform, type Platform } from '../../support/platform.ts'

/** Takes a person's right to read away, and says what is published of it. */
interface Revocation {
  readonly name: string
  readonly commit: (platform: Platform, person: Person) => Promise<void>
  readonly subject: string
  readonly body: (person: Person) => unknown
}

const demote = ({ people }: Platform, person: Person) => people.setRole(person, 'viewer')

const revocations: readonly Revocation[] = [
  {
    name: 'a role changed',
    commit: demote,
    subject: 'member.role.changed',
    body: ({ organization, user }) => ({ userId: user, organizationId: organization }),
  },
  {
    name: 'a member removed, in a CloudEvents envelope',
    commit: ({ people }, person) => people.leave(person),
    subject: 'member.removed',
    body: ({ organization, user }) => ({
      specversion: '1.0',
      data: { user_id: user, org_id: organization },
    }),
  },
  {
    name: 'a user banned, the event names the user alone',
    commit: ({ people }, { user }) => people.setBanned(user, true),
    subject: 'user.banned',
    body: ({ user }) => ({ userId: user }),
  },
  {
    name: 'all roles of an organization changed, the event names the organization alone',
    commit: ({ people }, { organization }) => people.setOrganizationRole(organization, 'viewer'),
    subject: 'organization.role.changed',
    body: ({ organization }) => ({ organizationId: organization }),
  },
  {
    name: 'something under user. that the service has never heard of',
    commit: ({ people }, { user }) => people.deleteUser(user),
    subject: 'user.something.new',
    body: ({ user }) => ({ userId: user }),
  },
]

describe('a revocation that is announced', () => {
  let platform: Platform
  let instances: readonly Instance[]
  beforeAll(async () => {
    // So long that nothing but the event can be what enforces it.
    platform = await startPlatform({ TENANTGATE_VERIFY_AFTER: '60s' })
    instances = await Promise.all([platform.start(), platform.start()])
  })
  afterAll(() => platform.close())

  it.each(revocations)(
    'is enforced at once on every route of every instance: $name',
    async ({ body, commit, subject }) => {
      // Each has a route to itself: what one route reads is news for the others too.
      const people = await platform.people.add(routes.length)
      const asking = instances.flatMap((instance) =>
        people.map((person, index) =>
          keepAsking(instance, person, routes[index] ?? 'claims', { everyMs: 5 }),
        ),
      )
      await expect
        .poll(() => new Set(asking.map(({ verdicts }) => verdicts.at(-1)?.reason)))
        .toEqual(new Set(['granted']))
      for (const person of people) {
        await commit(platform, person)
        await platform.publish(subject, body(person))
      }
      const publishedMs = performance.now()
      await pause(1_500)
      for (const one of asking) {
        await one.stop()
        expect(one.verdicts.at(-1)?.allowed).toBe(false)
        // 50 ms by the contract, on a machine of its own.
        expect(one.lastAllowMs() - publishedMs).toBeLessThan(1_000)
        expect(one.verdicts.filter(({ reason }) => reason === 'unavailable')).toEqual([])
      }
    },
  )

  it('a role that is given back is there at once too', async () => {
    const [person] = await platform.people.add(1, { role: 'viewer' })
    const [instance] = instances
    if (person === undefined || instance === undefined) throw new Error('nobody')
    expect((await instance.ask(person, 'cache')).reason).toBe('permission_denied')
    await platform.people.setRole(person, 'staff')
    await platform.publish('member.role.changed', {
      userId: person.user,
      organizationId: person.organization,
    })
    await expect
      .poll(async () => (await instance.ask(person, 'cache')).reason, { timeout: 1_000 })
      .toBe('granted')
  })
})

describe('a connection to NATS that died unnoticed', { timeout: 60_000 }, () => {
  let platform: Platform
  beforeAll(async () => {
    platform = await startPlatform({ TENANTGATE_VERIFY_AFTER: '2s' })
  })
  afterEach(() => platform.heal())
  afterAll(() => platform.close())

  it('hides an event for 5 s at most, from active subjects and from idle ones', async () => {
    const instance = await platform.start()
    const active = await platform.people.add(routes.length)
    const idle = await platform.people.add(routes.length)
    const untilHealed = await platform.people.add(routes.length)
    const revoked = [...active, ...idle, ...untilHealed]
    const askFirst = async (people: readonly Person[]): Promise<readonly string[]> => {
      const asked = people.map((one, index) => instance.ask(one, routes[index] ?? 'claims'))
      return (await Promise.all(asked)).map(({ reason }) => reason)
    }
    const asking = active.map((person, index) =>
      keepAsking(instance, person, routes[index] ?? 'claims'),
    )
    for (const people of [idle, untilHealed]) {
      expect(await askFirst(people)).toEqual(routes.map(() => 'granted'))
    }
    platform.nats.swallow()
    for (const person of revoked) {
      await platform.people.setRole(person, 'viewer')
      await platform.publish('member.role.changed', {
        userId: person.user,
        organizationId: person.organization,
      })
    }
    const publishedMs = performance.now()
    await pause(6_000 - (performance.now() - publishedMs))
    expect(await askFirst(idle)).toEqual(routes.map(() => 'permission_denied'))
    for (const one of asking) {
      await one.stop()
      expect(one.verdicts.at(-1)?.reason).toBe('permission_denied')
      expect(one.lastAllowMs() - publishedMs).toBeLessThan(6_000)
    }

    platform.nats.heal()
    await instance.untilWatch(true)
    // The new watch has heard nothing of what the old one missed, so it covers nothing from before.
    expect(await askFirst(untilHealed)).toEqual(routes.map(() => 'permission_denied'))
    const [later] = await platform.people.add(1)
    if (later === undefined) throw new Error('nobody')
    expect((await instance.ask(later, 'cache')).reason).toBe('granted')
    await platform.people.setRole(later, 'viewer')
    await platform.publish('member.role.changed', { userId: later.user })
    await expect
      .poll(async () => (await instance.ask(later, 'cache')).allowed, { timeout: 1_000 })
      .toBe(false)
  })
})
