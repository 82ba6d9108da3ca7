import { nanos } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

/** A stream of its own, under a prefix of its own: streams of one server must not overlap. */
async function newStream(config: Parameters<ChangePublisher['createStream']>[0] | object = {}) {
  const name = uniqueName('stream')
  const subjects = ['member.>', 'user.>', 'organization.>'].map((subject) => `${name}.${subject}`)
  await publisher.createStream({ name, subjects, ...config })
  const store = (subject: string, body: unknown) => publisher.store(`${name}.${subject}`, body)
  const open = (options: object = {}) =>
    openFeed({ url: servers().natsUrl, stream: name, prefix: name, ...options })
  const consumers = () => publisher.streams.consumers.list(name).next()
  return { name, store, open, consumers }
}

describe('a feed from a stream', () => {
  it('replays the recent past, begins there, and is proved once that is handed over', async () => {
    const { open, store } = await newStream()
    await store('member.removed', 1)
    await store('user.banned', 2)
    const openedMs = Date.now()
    const { told } = open({ cacheTtlMs: 1_000, marginMs: 100 })
    await told.next('proved', { after: 0 })
    expect(told.heard.map(({ what }) => what).slice(0, 4)).toEqual([
      ...['began', 'message', 'message', 'proved'],
    ])
    expect(told.messages()).toEqual(['member.removed 1', 'user.banned 2'])
    const since = told.of('began')[0]?.sinceWallMs ?? 0
    // Not earlier than the stream itself, whose clock may be the margin behind.
    expect(since).toBeGreaterThan(openedMs - 1_101)
    expect(since).toBeLessThanOrEqual(Date.now())
  })

  it('leaves out what is older than the window and the margins', async () => {
    const { open, store } = await newStream()
    await store('member.removed', 'old')
    const storedMs = performance.now()
    await until(() => performance.now() - storedMs > 1_300, { what: 'time to pass' })
    await store('member.removed', 'young')
    const openedMs = Date.now()
    const { told } = open({ cacheTtlMs: 500, marginMs: 200 })
    await told.provedNow()
    expect(told.messages()).toEqual(['member.removed "young"'])
    expect(Math.abs((told.of('began')[0]?.sinceWallMs ?? 0) - (openedMs - 700))).toBeLessThan(100)
  })

  it('hands over what comes, in order, and proves every second', async () => {
    const { open, store } = await newStream()
    const { told } = open()
    await told.next('proved', { after: 0 })
    const numbers = Array.from({ length: 500 }, (_, index) => index)
    for (const number of numbers) await store('member.role.changed', number)
    await told.provedNow()
    expect(told.messages()).toEqual(numbers.map((number) => `member.role.changed ${number}`))
    await told.next('proved', { after: told.of('proved').length + 1 })
    const [last, before] = told.of('proved').toReversed()
    const gap = (last?.moment.monotonicMs ?? 0) - (before?.moment.monotonicMs ?? 0)
    expect(gap).toBeGreaterThan(900)
    expect(gap).toBeLessThan(1_600)
    for (const { at, moment } of told.of('proved')) {
      expect(at.monotonicMs - moment.monotonicMs).toBeLessThan(1_700)
    }
  })

  it('is proved although the last message of the stream is none of ours', async () => {
    const { name, open, store } = await newStream()
    await publisher.streams.streams.update(name, { subjects: [`${name}.>`] })
    const { told } = open()
    await told.next('proved', { after: 0 })
    for (const body of [1, 2, 3]) await store('other.x', body)
    await store('member.removed', 'ours')
    await store('other.x', 4)
    await told.provedNow(3_000)
    await told.provedNow(3_000)
    expect(told.messages()).toEqual(['member.removed "ours"'])
  })

  it('hands over a long past before anything is proved', async () => {
    const { open, store } = await newStream()
    const numbers = Array.from({ length: 3_000 }, (_, index) => index)
    await Promise.all(numbers.map((number) => store('member.x', number)))
    const { told } = open()
    await told.next('proved', { after: 0 })
    const firstProof = told.heard.findIndex(({ what }) => what === 'proved')
    expect(firstProof).toBe(3_001)
    expect(new Set(told.messages()).size).toBe(3_000)
  })

  it('makes a consumer of its own for each process, in memory, which goes after it', async () => {
    const { consumers, open, store } = await newStream()
    const feeds = [open(), open()]
    await Promise.all(feeds.map(({ told }) => told.next('proved', { after: 0 })))
    await store('member.removed', 1)
    await Promise.all(feeds.map(({ told }) => told.next('message', { after: 0 })))
    const found = await consumers()
    expect(found).toHaveLength(2)
    for (const { config } of found) {
      expect(config).toMatchObject({ ack_policy: 'none', mem_storage: true, num_replicas: 1 })
      expect(config.durable_name).toBeUndefined()
      expect(config.inactive_threshold).toBe(nanos(10_000))
    }
  })

  it('asks only for the subjects that the stream takes, and tells which it does not', async () => {
    const { consumers, name, open } = await newStream()
    await publisher.streams.streams.update(name, {
      subjects: [`${name}.*.removed`, `${name}.user.banned`, `${name}.z`],
    })
    const { faults, told } = open()
    await told.next('proved', { after: 0 })
    const [consumer] = await consumers()
    expect(consumer?.config.filter_subjects).toEqual([
      `${name}.member.removed`,
      `${name}.user.removed`,
      `${name}.user.banned`,
      `${name}.organization.removed`,
    ])
    await publisher.store(`${name}.member.removed`, 1)
    await publisher.store(`${name}.user.banned`, 2)
    await told.provedNow()
    expect(told.messages()).toEqual(['member.removed 1', 'user.banned 2'])
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringMatching(/does not take .*member\.role\.changed.*organization\.deleted$/),
    ])
  })
})

describe('the beginning is no earlier than the stream can vouch for', () => {
  it.each([
    ['it was made just now', {}, []],
    ['it keeps messages for a short time only', { max_age: nanos(30_000) }, [1]],
    ['it has removed some, and the oldest left is young', { max_msgs: 2 }, [1, 2, 3]],
  ])('where %s', async (_title, config, bodies) => {
    const beforeMs = Date.now()
    const { open, store } = await newStream(config)
    for (const body of bodies) await store('member.x', body)
    const { told } = open({ cacheTtlMs: 3_600_000, marginMs: 100 })
    await told.next('proved', { after: 0 })
    const since = told.of('began').at(-1)?.sinceWallMs ?? 0
    expect(since).toBeGreaterThanOrEqual(beforeMs)
    expect(since).toBeLessThanOrEqual(Date.now() + 1)
  })

  it('where a message within was deleted: now', async () => {
    const { name, open, store } = await newStream()
    for (const body of [1, 2, 3]) await store('member.x', body)
    await publisher.streams.streams.deleteMessage(name, 2)
    const openedMs = Date.now()
    const { told } = open({ marginMs: 0 })
    await told.next('proved', { after: 0 })
    expect(told.of('began')[0]?.sinceWallMs).toBeGreaterThanOrEqual(openedMs)
  })

  it('and is the start of the window where the stream holds more', async () => {
    const { open, store } = await newStream()
    await store('member.x', 1)
    const storedMs = performance.now()
    await until(() => performance.now() - storedMs > 600, { what: 'time to pass' })
    const openedMs = Date.now()
    const { told } = open({ cacheTtlMs: 300, marginMs: 0 })
    await told.next('proved', { after: 0 })
    expect(Math.abs((told.of('began')[0]?.sinceWallMs ?? 0) - (openedMs - 300))).toBeLessThan(150)
  })
})

describe('a stream that cannot be followed', () => {
  it.each([
    ['keeps few messages a subject', { max_msgs_per_subject: 1 }, /max_msgs_per_subject/],
    [
      'takes none of our subjects',
      { subjects: [uniqueName('else')] },
      /takes none of the subjects/,
    ],
  ])('because it %s', async (_title, config, why) => {
    const { open } = await newStream(config)
    const { fault, told } = open()
    await until(() => fault() !== '', { what: 'a fault' })
    expect(fault()).toMatch(why)
    await during(500, () => expect(told.heard).toEqual([]))
  })

  it('because it copies another', async () => {
    const { name } = await newStream()
    const mirror = uniqueName('mirror')
    await publisher.streams.streams.add({ name: mirror, mirror: { name } })
    const { fault, told } = openFeed({ url: servers().natsUrl, stream: mirror, prefix: name })
    await until(() => fault() !== '', { what: 'a fault' })
    expect(fault()).toContain('it copies other streams')
    expect(told.heard).toEqual([])
  })

  it('because it is not there, until it is', async () => {
    const name = uniqueName('stream')
    const { faults, told } = openFeed({ url: servers().natsUrl, stream: name, prefix: name })
    await until(() => faults.length > 0, { what: 'a fault' })
    await during(500, () => expect(told.heard).toEqual([]))
    expect(faults.map(({ message }) => message)).toEqual([`NATS: there is no stream ${name}`])
    await publisher.createStream({ name, subjects: [`${name}.>`] })
    await told.next('proved', { after: 0 })
    expect(told.outline()).toEqual(['began'])
  })
})
