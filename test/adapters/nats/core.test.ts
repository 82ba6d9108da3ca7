import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { knownSubjects } from '../../../src/domain/change-event.ts'
import { changePublisher, type ChangePublisher } from '../../support/change-publisher.ts'
import { during } from '../../support/eventually.ts'
import { until } from '../../support/poll.ts'
import { servers, uniqueName } from '../../support/servers.ts'
import { openFeed } from './open-feed.ts'

let publisher: ChangePublisher
beforeAll(async () => {
  publisher = await changePublisher(servers().natsUrl)
})
afterAll(() => publisher.close())

const open = (prefix = uniqueName('core')) => ({
  prefix,
  ...openFeed({ url: servers().natsUrl, prefix }),
})

describe('a feed from core NATS', () => {
  it('begins once the server has the subscriptions, and proves the time before its ping', async () => {
    const started = performance.now()
    const { told } = open()
    await told.next('proved', { after: 0 })
    expect(told.outline()).toEqual(['began'])
    const [began] = told.of('began')
    expect(Math.abs(Date.now() - (began?.sinceWallMs ?? 0))).toBeLessThan(2_000)
    const [proof] = told.of('proved')
    expect(proof?.moment.monotonicMs).toBeGreaterThanOrEqual(started)
    expect(proof?.moment.monotonicMs).toBeLessThanOrEqual(began?.at.monotonicMs ?? 0)
  })

  it('begins a ping after it is connected: servers of a cluster hear of subscriptions later', async () => {
    const opened = performance.now()
    const { told } = open()
    await told.next('began', { after: 0 })
    expect(performance.now() - opened).toBeGreaterThan(1_900)
  })

  it('proves again every 2 s', async () => {
    const { told } = open()
    await told.next('proved', { after: 2 })
    const [first, second, third] = told.of('proved').map(({ moment }) => moment.monotonicMs)
    for (const gap of [(second ?? 0) - (first ?? 0), (third ?? 0) - (second ?? 0)]) {
      expect(gap).toBeGreaterThan(1_900)
      expect(gap).toBeLessThan(2_600)
    }
  })

  it('hands over all subjects of the contract and others under them, in order', async () => {
    const { prefix, told } = open()
    await told.next('began', { after: 0 })
    const subjects = [...knownSubjects, 'member.x', 'user.a.b.c.d', 'organization.plan']
    for (const [index, subject] of subjects.entries()) {
      await publisher.publish(`${prefix}.${subject}`, { userId: `u${index}` })
    }
    await told.provedNow()
    expect(told.messages()).toEqual(subjects.map((subject, i) => `${subject} {"userId":"u${i}"}`))
  })

  it('keeps the order of a burst across subjects', async () => {
    const { prefix, told } = open()
    await told.next('began', { after: 0 })
    const names = ['member.removed', 'user.banned', 'organization.deleted']
    const sent = Array.from({ length: 3_000 }, (_, index) => ({
      index,
      subject: names[index % 3] ?? '',
    }))
    await Promise.all(
      sent.map(({ subject, index }) => publisher.publish(`${prefix}.${subject}`, index)),
    )
    await told.provedNow()
    expect(told.messages()).toEqual(sent.map(({ subject, index }) => `${subject} ${index}`))
  })

  it('hears nothing of other subjects and prefixes', async () => {
    const { prefix, told } = open()
    await told.next('began', { after: 0 })
    for (const subject of [
      'member.removed',
      `${prefix}.other.x`,
      `${prefix}.member`,
      `x.${prefix}.member.y`,
      `${prefix}x.member.y`,
    ]) {
      await publisher.publish(subject, {})
    }
    await publisher.publish(`${prefix}.member.last`, {})
    await told.provedNow()
    expect(told.messages()).toEqual(['member.last {}'])
  })

  it.each(['', '.'])('takes a prefix that ends with %j', async (end) => {
    const prefix = `${uniqueName('core')}.eu`
    const { told } = open(prefix + end)
    await told.next('began', { after: 0 })
    await publisher.publish(`${prefix}.user.banned`, { userId: 'u' })
    await told.next('message', { after: 0 })
    expect(told.messages()).toEqual(['user.banned {"userId":"u"}'])
  })

  it('works without a prefix', async () => {
    const { told } = openFeed({ url: servers().natsUrl })
    await told.next('began', { after: 0 })
    const subject = `member.${uniqueName('t')}`
    await publisher.publish(subject, {})
    await until(() => told.messages().includes(`${subject} {}`), { what: 'the message' })
  })

  it('passes bytes through as they are, however malformed', async () => {
    const { prefix, told } = open()
    await told.next('began', { after: 0 })
    const bodies = [
      new Uint8Array(),
      Uint8Array.of(0xff, 0, 10, 13),
      new Uint8Array(70_000).fill(91),
    ]
    for (const body of bodies) await publisher.publish(`${prefix}.member.x`, body)
    await told.provedNow()
    expect(told.of('message').map(({ data }) => data)).toEqual(bodies)
  })

  it('gives every process all messages', async () => {
    const prefix = uniqueName('core')
    const feeds = [open(prefix), open(prefix), open(prefix)]
    await Promise.all(feeds.map(({ told }) => told.next('began', { after: 0 })))
    await publisher.publish(`${prefix}.member.removed`, {})
    await Promise.all(feeds.map(({ told }) => told.next('message', { after: 0 })))
  })

  it('tells nothing after it was closed, and that it broke only once', async () => {
    const { feed, faults, prefix, states, told } = open()
    await told.next('began', { after: 0 })
    await feed.close()
    await feed.close()
    expect(told.outline()).toEqual(['began', 'broke'])
    const { length } = told.heard
    await publisher.publish(`${prefix}.member.removed`, {})
    await during(300, () => expect(told.heard).toHaveLength(length))
    expect(states).toEqual([true, false])
    expect(faults).toEqual([])
  })
})

describe('a feed whose listener throws', () => {
  it('proves nothing on that connection any more and begins anew', async () => {
    const prefix = uniqueName('core')
    const { told } = open(prefix)
    const calls: string[] = []
    const failing = openFeed({
      url: servers().natsUrl,
      prefix,
      listener: {
        ...told,
        began(sinceWallMs) {
          calls.push('began')
          told.began(sinceWallMs)
        },
        message() {
          calls.push('message')
          throw new Error('not taken in')
        },
      },
    })
    await told.next('began', { after: 1 })
    const burst = Array.from({ length: 200 }, () =>
      publisher.publish(`${prefix}.member.removed`, {}),
    )
    await Promise.all(burst)
    await told.next('broke', { after: 0 })
    // What came in the same breath is not told any more: it belongs to a connection that is over.
    expect([calls[1], calls[2] ?? 'began']).toEqual(['message', 'began'])
    expect(told.of('broke')[0]?.why).toBe('the listener failed: not taken in')
    await told.next('began', { after: 2 })
    expect(failing.fault()).toContain('not taken in')
  })
})
