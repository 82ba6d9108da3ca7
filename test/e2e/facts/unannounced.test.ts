import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepAsking } from '../../support/asking.ts'
import { routes } from '../../support/freshness-policy.ts'
import { tokenOf, type Instance } from '../../support/instance.ts'
import type { Person } from '../../support/people.ts'
import { startPlatform, type Platform } from '../../support/platform.ts'

const verifyAfterMs = 2_000

/** Changes of SQL's own, of which nobody tells. */
const changes: readonly {
  readonly name: string
  readonly commit: (platform: Platform, person: Person) => Promise<void>
  readonly reason: string
}[] = [
  {
    name: 'a role changed',
    commit: ({ people }, person) => people.setRole(person, 'viewer'),
    reason: 'permission_denied',
  },
  {
    name: 'a member who left',
    commit: ({ people }, person) => people.leave(person),
    reason: 'not_a_member',
  },
  {
    name: 'a user who was banned',
    commit: ({ people }, { user }) => people.setBanned(user, true),
    reason: 'banned',
  },
  {
    name: 'a user who is gone',
    commit: ({ people }, { user }) => people.deleteUser(user),
    reason: 'unknown_user',
  },
]

describe('a change that nobody announces', { timeout: 60_000 }, () => {
  let platform: Platform
  let instance: Instance
  let other: Instance
  beforeAll(async () => {
    platform = await startPlatform({ TENANTGATE_VERIFY_AFTER: `${verifyAfterMs}ms` })
    ;[instance, other] = await Promise.all([platform.start(), platform.start()])
  })
  afterAll(() => platform.close())

  const addOne = async (role?: string): Promise<Person> => {
    const [person] = await platform.people.add(1, role === undefined ? {} : { role })
    if (person === undefined) throw new Error('nobody was added')
    return person
  }

  it('of an active subject takes effect within VERIFY_AFTER and 1 s, on every route', async () => {
    const asking = await Promise.all(
      changes.flatMap((change) =>
        routes.map(async (route) => {
          const person = await addOne()
          return { change, person, route, one: keepAsking(instance, person, route) }
        }),
      ),
    )
    await pause(verifyAfterMs) // so that they are verified over and over when it comes
    const committed = new Map<Person, number>()
    for (const { change, person } of asking) {
      await change.commit(platform, person)
      committed.set(person, performance.now())
    }
    await pause(verifyAfterMs + 1_500)
    for (const { change, one, person, route } of asking) {
      await one.stop()
      const atMs = committed.get(person) ?? 0
      expect(
        one.verdicts.some(({ sentMs }) => sentMs < atMs),
        route,
      ).toBe(true)
      expect(one.verdicts.at(-1)?.reason, route).toBe(change.reason)
      const withinMs = { claims: 1_000, cache: 1_000, verified: 0, bridged: 0, database: 0 }[route]
      const boundMs = route === 'database' ? 0 : verifyAfterMs + withinMs
      expect(one.lastAllowMs() - atMs, `${change.name} on ${route}`).toBeLessThan(boundMs)
    }
  })

  it('turns nobody away for longer than VERIFY_AFTER who was just given a role', async () => {
    const asking = await Promise.all(
      routes.map(async (route) => {
        const person = await addOne('viewer')
        return { person, route, one: keepAsking(instance, person, route) }
      }),
    )
    await pause(500)
    for (const { person } of asking) await platform.people.setRole(person, 'staff')
    const committedMs = performance.now()
    await pause(verifyAfterMs + 500)
    for (const { one } of asking) {
      const verdicts = await one.stop()
      const late = verdicts.filter(
        ({ allowed, sentMs }) => !allowed && sentMs > committedMs + verifyAfterMs,
      )
      expect(late).toEqual([])
      expect(verdicts[0]?.reason).toBe('permission_denied')
    }
  })

  it('of an idle subject: verified within VERIFY_AFTER, database at once, others after 1 s of use', async () => {
    const people = await platform.people.add(routes.length)
    const asked = people.map((person, index) => ({ person, route: routes[index] ?? 'claims' }))
    for (const { person, route } of asked) {
      expect((await instance.ask(person, route)).reason).toBe('granted')
    }
    await pause(verifyAfterMs + 1_000) // so that what was queued is verified too
    for (const { person } of asked) await platform.people.setRole(person, 'viewer')
    const database = asked.find(({ route }) => route === 'database')
    if (database === undefined) throw new Error('no such route')
    expect((await instance.ask(database.person, 'database')).reason).toBe('permission_denied')
    await pause(verifyAfterMs)
    const first = performance.now()
    const asking = asked.map(({ person, route }) => ({
      route,
      one: keepAsking(instance, person, route),
    }))
    await pause(1_500)
    for (const { one, route } of asking) {
      await one.stop()
      expect(one.verdicts.at(-1)?.reason).toBe('permission_denied')
      if (route === 'claims' || route === 'cache') {
        expect(one.lastAllowMs() - first).toBeLessThan(1_000)
        expect(one.verdicts[0]?.source, 'that it may pass is what makes it quick').toBe('memory')
      } else expect(one.lastAllowMs(), route).toBe(-Infinity)
    }
  })

  it('an entry of Redis and a claim that are out of date open for 1 s at most', async () => {
    const [byEntry, byClaim] = [await addOne(), await addOne()]
    const nowS = Date.now() / 1000
    // What is 5 s older than the watch or less does not count, so this test waits.
    await pause(6_000)
    expect((await other.ask(byEntry, 'cache')).source).toBe('postgres')
    await expect
      .poll(async () => (await platform.people.sql('SELECT 1')).rowCount, { timeout: 1_000 })
      .toBe(1)
    for (const person of [byEntry, byClaim]) await platform.people.setRole(person, 'viewer')
    const token = tokenOf(byClaim, { orgRole: 'staff', iat: Math.floor(nowS) + 6 })
    const first = performance.now()
    const entry = keepAsking(instance, byEntry, 'cache')
    const claim = keepAsking(instance, byClaim, 'claims', { token })
    await pause(1_500)
    await Promise.all([entry.stop(), claim.stop()])
    expect(entry.verdicts[0]).toMatchObject({ reason: 'granted', source: 'redis' })
    expect(claim.verdicts[0]).toMatchObject({ reason: 'granted', source: 'claims' })
    for (const one of [entry, claim]) {
      expect(one.lastAllowMs() - first).toBeLessThan(1_000)
      expect(one.verdicts.at(-1)?.reason).toBe('permission_denied')
    }
    // Once it was found out, a claim that says so again opens no more.
    const again = tokenOf(byClaim, { orgRole: 'staff', iat: Math.floor(Date.now() / 1000) })
    expect((await instance.ask(byClaim, 'claims', again)).reason).toBe('permission_denied')
    expect(await instance.metric('tenantgate_unannounced_changes_total')).toBeGreaterThan(1)
  })
})
