import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepAsking } from '../../support/asking.ts'
import { freshnesses, routes } from '../../support/freshness-policy.ts'
import { tokenOf, type Instance, type Verdict } from '../../support/instance.ts'
import { startPlatform, type Platform } from '../../support/platform.ts'

const stopMs = 8_000
const peoplePerRoute = 8

describe('a process that stood still', { timeout: 90_000 }, () => {
  let platform: Platform
  let instances: readonly Instance[]
  beforeAll(async () => {
    platform = await startPlatform({ TENANTGATE_VERIFY_AFTER: '2s' })
    const { name, publisher } = platform
    await publisher.createStream({ name, subjects: [`${name}.>`] })
    instances = await Promise.all([
      platform.start(),
      platform.start({ TENANTGATE_NATS_STREAM: name }),
    ])
  })
  afterAll(async () => {
    await platform.publisher.streams.streams.delete(platform.name)
    await platform.close()
  })

  it('grants nothing from what it knew when it fell asleep, not even to what waited in its sockets', async () => {
    for (const isBeyondTheSocket of [false, true]) {
      const people = await platform.people.add(routes.length * peoplePerRoute)
      const asked = people.map((person, index) => {
        const route = routes[index % routes.length] ?? 'claims'
        return { person, route, token: tokenOf(person, { orgRole: 'staff' }) }
      })
      const askAll = (): Promise<readonly Verdict[]> =>
        Promise.all(
          instances.flatMap((instance) =>
            asked.map(({ person, route, token }) => instance.ask(person, route, token)),
          ),
        )
      expect((await askAll()).filter(({ allowed }) => !allowed)).toEqual([])
      // Also what is under way when it falls asleep must not be answered from then.
      const under = instances.map((instance) =>
        keepAsking(instance, people[0] ?? nobody(), 'cache'),
      )
      await pause(300)

      for (const { process } of instances) process.signal('SIGSTOP')
      const stoppedMs = performance.now()
      // What a stopped process does not take in waits further away and comes after it woke up.
      if (isBeyondTheSocket) platform.nats.delay(stopMs + 1_000)
      for (const person of people) {
        await platform.people.setRole(person, 'viewer')
        await platform.publish('member.role.changed', {
          userId: person.user,
          organizationId: person.organization,
        })
      }
      const publishedMs = performance.now()
      const queued = askAll()
      await pause(stopMs - (performance.now() - stoppedMs))
      const last = askAll() // the first it reads of these come after it woke up, or just before
      for (const { process } of instances) process.signal('SIGCONT')
      const answers = [...(await queued), ...(await last), ...(await askAll())]
      for (const one of under) answers.push(...(await one.stop()))

      const wrong = answers.filter(({ allowed, sentMs }) => allowed && sentMs > publishedMs)
      expect(wrong).toEqual([])
      expect(answers.filter(({ reason }) => reason === 'permission_denied').length).toBeGreaterThan(
        people.length,
      )
      platform.heal()
      await Promise.all(instances.map((instance) => instance.untilWatch(true)))
    }
  })
})

describe('a process that was restarted', () => {
  let platform: Platform
  beforeAll(async () => {
    platform = await startPlatform({ TENANTGATE_VERIFY_AFTER: '60s' })
  })
  afterAll(() => platform.close())

  it('does not take up again what was revoked while it was away, be it in Redis or in a token', async () => {
    const people = await platform.people.add(freshnesses.length * 2)
    const before = await platform.start()
    const ask = (instance: Instance): Promise<readonly string[]> =>
      Promise.all(
        people.map(async (person, index) => {
          const route = freshnesses[index % freshnesses.length] ?? 'claims'
          const token = tokenOf(person, { orgRole: 'staff' })
          return (await instance.ask(person, route, token)).reason
        }),
      )
    expect(new Set(await ask(before))).toEqual(new Set(['granted']))
    await before.close()
    for (const person of people) {
      await platform.people.setRole(person, 'viewer')
      await platform.publish('member.role.changed', { userId: person.user })
    }
    const after = await platform.start()
    expect(new Set(await ask(after))).toEqual(new Set(['permission_denied']))
  })
})

function nobody(): never {
  throw new Error('nobody was added')
}
