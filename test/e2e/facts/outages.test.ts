import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { marginMs } from '../../../src/domain/freshness.ts'
import { keepAsking, type Asking } from '../../support/asking.ts'
import { routes, type Route } from '../../support/freshness-policy.ts'
import { tokenOf, type Instance } from '../../support/instance.ts'
import type { Person } from '../../support/people.ts'
import { startPlatform, type Platform } from '../../support/platform.ts'

const verifyAfterMs = 1_000
const cacheTtlMs = 5_000

/** Each test uses one platform, and an instance of its own. */
describe('while servers are down', { timeout: 60_000 }, () => {
  let platform: Platform
  beforeAll(async () => {
    platform = await startPlatform({
      TENANTGATE_VERIFY_AFTER: `${verifyAfterMs}ms`,
      TENANTGATE_CACHE_TTL: `${cacheTtlMs}ms`,
    })
  })
  afterEach(() => platform.heal())
  afterAll(() => platform.close())

  interface Active {
    readonly person: Person
    readonly route: Route
    readonly one: Asking
  }

  /** Somebody active on each route, all of whom are granted. */
  async function activeOnAll(instance: Instance, claims?: object): Promise<readonly Active[]> {
    const people = await platform.people.add(routes.length)
    const active = people.map((person, index) => {
      const route = routes[index] ?? 'claims'
      const token = claims && { token: tokenOf(person, claims) }
      return { person, route, one: keepAsking(instance, person, route, token) }
    })
    await pause(verifyAfterMs)
    for (const { one, route } of active) {
      expect(one.verdicts.length, route).toBeGreaterThan(5)
      expect(
        one.verdicts.map(({ reason }) => reason),
        route,
      ).not.toContain('unavailable')
      expect(one.verdicts.at(-1)?.reason, route).toBe('granted')
    }
    return active
  }

  /** What was asked in this time, as a set of reasons. */
  const reasonsBetween = (
    { verdicts }: Asking,
    fromMs: number,
    toMs: number,
  ): readonly string[] => [
    ...new Set(
      verdicts.filter(({ sentMs }) => sentMs > fromMs && sentMs < toMs).map(({ reason }) => reason),
    ),
  ]

  const recovers = async (active: readonly Active[], reasons: readonly string[]) => {
    const healedMs = performance.now()
    platform.heal()
    await pause(5_000)
    for (const { one, route } of active) {
      await one.stop()
      expect(reasons, route).toEqual(
        expect.arrayContaining([...reasonsBetween(one, healedMs + 4_000, Infinity)]),
      )
      expect(reasonsBetween(one, healedMs + 4_000, Infinity)).toHaveLength(1)
    }
  }

  it('NATS: what changes takes effect within VERIFY_AFTER, on every route', async () => {
    const instance = await platform.start()
    const active = await activeOnAll(instance)
    const idle = await platform.people.add(routes.length)
    const askIdle = async (): Promise<readonly string[]> => {
      const asked = idle.map((one, index) => instance.ask(one, routes[index] ?? 'claims'))
      return (await Promise.all(asked)).map(({ reason }) => reason)
    }
    expect(await askIdle()).toEqual(routes.map(() => 'granted'))
    platform.nats.cut()
    await instance.untilWatch(false)
    const revoked = [...active.map(({ person }) => person), ...idle]
    for (const person of revoked) await platform.people.setRole(person, 'viewer')
    const committedMs = performance.now()
    await pause(verifyAfterMs)
    expect(await askIdle()).toEqual(routes.map(() => 'permission_denied'))
    await pause(1_000)
    for (const { one, route } of active) {
      expect(one.verdicts.at(-1)?.reason, route).toBe('permission_denied')
      expect(one.lastAllowMs() - committedMs, route).toBeLessThan(verifyAfterMs)
    }
    await recovers(active, ['permission_denied'])
    await instance.untilWatch(true)
  })

  it('PostgreSQL: facts grant up to CACHE_TTL on claims and cache; all else is 503', async () => {
    const instance = await platform.start()
    // What is read within the margin after the watch began is not covered by it.
    await instance.untilWatch(true)
    await pause(marginMs)
    const active = await activeOnAll(instance)
    const [refused] = await platform.people.add(1, { role: 'viewer' })
    if (refused === undefined) throw new Error('nobody was added')
    const refusal = keepAsking(instance, refused, 'cache')
    await expect.poll(() => refusal.verdicts.at(-1)?.reason).toBe('permission_denied')

    platform.postgres.cut()
    const cutMs = performance.now()
    await pause(cacheTtlMs + 2_000)
    for (const { one, route } of active) {
      const covered = route === 'claims' || route === 'cache'
      const graceMs = covered ? cacheTtlMs : verifyAfterMs
      // Verified at most half of VERIFY_AFTER and the queue's 250 ms before the end.
      const surelyMs = graceMs - verifyAfterMs / 2 - 400
      if (route !== 'database') {
        expect(reasonsBetween(one, cutMs, cutMs + surelyMs), route).toEqual(['granted'])
      }
      expect(one.lastAllowMs(), route).toBeLessThan(cutMs + (route === 'database' ? 50 : graceMs))
      expect(reasonsBetween(one, cutMs + graceMs + 100, Infinity), route).toEqual(['unavailable'])
    }
    expect(reasonsBetween(refusal, cutMs + verifyAfterMs + 100, Infinity)).toEqual(['unavailable'])
    expect(reasonsBetween(refusal, cutMs, Infinity)).not.toContain('granted')
    await recovers(
      [...active, { one: refusal, person: refused, route: 'cache' }],
      ['granted', 'permission_denied'],
    )
  })

  it('PostgreSQL: a change that is announced takes effect all the same', async () => {
    const instance = await platform.start()
    const active = await activeOnAll(instance)
    for (const { person } of active) await platform.people.setRole(person, 'viewer')
    platform.postgres.cut()
    for (const { person } of active) await platform.publish('user.banned', { userId: person.user })
    const publishedMs = performance.now()
    await pause(1_500)
    for (const { one, route } of active) {
      expect(one.lastAllowMs() - publishedMs, route).toBeLessThan(500)
      expect(one.verdicts.at(-1)?.reason, route).toBe('unavailable')
    }
    await recovers(active, ['permission_denied'])
  })

  it('PostgreSQL and NATS: VERIFY_AFTER, then 503, where claims may not bridge it', async () => {
    const instance = await platform.start()
    await pause(6_000) // what is issued from now on is newer than the watch by the margin
    const iat = Math.floor(Date.now() / 1000)
    const active = await activeOnAll(instance, { orgRole: 'staff', iat })
    const roleless = await activeOnAll(instance)
    platform.nats.cut()
    platform.postgres.cut()
    const cutMs = performance.now()
    await pause(verifyAfterMs + 2_000)
    const after = cutMs + verifyAfterMs
    for (const { one, route } of [...active, ...roleless]) {
      const bridged = route === 'bridged' && active.some((each) => each.one === one)
      expect(reasonsBetween(one, after, Infinity), route).toEqual([
        bridged ? 'granted' : 'unavailable',
      ])
    }
    await recovers([...active, ...roleless], ['granted'])
    await instance.untilWatch(true)
  })

  it('PostgreSQL: claims bridge nothing after a change that was seen later than their iat', async () => {
    const instance = await platform.start()
    const people = await platform.people.add(3)
    const [changed, told, untouched] = people
    if (changed === undefined || told === undefined || untouched === undefined) throw new Error('3')
    const token = (person: Person, claims: object) =>
      tokenOf(person, { orgRole: 'staff', iat: Math.floor(Date.now() / 1000), ...claims })
    const bridged = async (person: Person, claims: object = {}): Promise<string> =>
      (await instance.ask(person, 'bridged', token(person, claims))).reason
    // A fact read later than the claim was issued speaks against it as well.
    await platform.people.setRole(told, 'viewer')
    expect(await bridged(told)).toBe('permission_denied')
    expect(await bridged(untouched)).toBe('granted')
    await platform.publish('member.role.changed', {
      userId: changed.user,
      organizationId: changed.organization,
    })
    const seen = { subject: 'member.role.changed', outcome: 'applied' }
    await expect.poll(() => instance.metric('tenantgate_events_total', seen)).toBe(1)
    platform.postgres.cut()
    platform.nats.cut()
    await pause(verifyAfterMs + 200)
    expect(await bridged(untouched)).toBe('granted')
    expect(await bridged(untouched, { orgRole: 'viewer' })).toBe('unavailable')
    expect(await bridged(changed)).toBe('unavailable')
    expect(await bridged(told)).toBe('unavailable')
  })
})
