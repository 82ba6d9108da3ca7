import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startNats, type NatsServer } from '../../../src/adapters/servers/nats.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { changePublisher, type ChangePublisher } from '../../support/change-publisher.ts'
import { testFolder } from '../../support/folder.ts'
import { until } from '../../support/poll.ts'
import { uniqueName } from '../../support/servers.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { openFeed } from './open-feed.ts'

let server: NatsServer
let publisher: ChangePublisher
beforeAll(async () => {
  server = await startNats({ binaries: await ensureWheels() })
  publisher = await changePublisher(server.url)
})
afterAll(async () => {
  await publisher.close()
  await server.close()
})

async function followed(config: object = {}) {
  const name = uniqueName('stream')
  const create = (more: object = {}) =>
    publisher.createStream({ name, subjects: [`${name}.>`], ...config, ...more })
  await create()
  const proxy = await startTcpProxy(server.url)
  onTestFinished(() => proxy.close())
  const opened = openFeed({ url: proxy.url, stream: name, prefix: name })
  const store = (subject: string, body: unknown) => publisher.store(`${name}.${subject}`, body)
  await store('member.x', 'first')
  await opened.told.next('message', { after: 0 })
  await opened.told.provedNow()
  const { streams, consumers } = publisher.streams
  return { ...opened, name, create, proxy, store, streams, consumers }
}

/** Takes the network away until the feed has noticed; what is done meanwhile it must hear of later. */
async function cut(
  { proxy, told }: Awaited<ReturnType<typeof followed>>,
  meanwhile: () => Promise<unknown>,
) {
  proxy.swallow()
  await told.next('broke', { after: told.of('broke').length, withinMs: 8_000 })
  await meanwhile()
  proxy.heal()
}

describe('a feed from a stream that was away', () => {
  it('resumes across a restart of the server and misses nothing', async () => {
    const { store, told } = await followed()
    await store('member.removed', 0)
    await told.next('message', { after: 1 }) // handed over, but not proved yet
    await server.stop()
    await told.next('broke', { after: 0 })
    await server.start()
    for (const body of [1, 2, 3]) await store('member.removed', body)
    await told.next('resumed', { after: 0 })
    await told.provedNow()
    expect(told.of('began')).toHaveLength(1)
    const removed = [0, 1, 2, 3].map((body) => `member.removed ${body}`)
    expect(told.messages()).toEqual(['member.x "first"', ...removed])
  })

  it('resumes after a hole in the network; no proof came while it lasted', async () => {
    const feed = await followed()
    const { store, told } = feed
    feed.proxy.swallow()
    await store('member.removed', 'swallowed')
    const storedMs = performance.now()
    await cut(feed, () => store('user.banned', 'later'))
    await told.next('resumed', { after: 0 })
    await told.provedNow()
    expect(told.outline()).toEqual([
      ...['began', 'member.x', 'broke', 'resumed', 'member.removed', 'user.banned'],
    ])
    const handedOver = told.heard.findIndex(
      (one) => one.what === 'message' && one.text === '"swallowed"',
    )
    const proofs = told.heard.slice(0, handedOver).filter((one) => one.what === 'proved')
    expect(proofs.filter(({ moment }) => moment.monotonicMs >= storedMs)).toEqual([])
  }, 40_000)

  it('is broken by a server that stands still, and resumes', async () => {
    const { store, told } = await followed()
    server.pause()
    const paused = performance.now()
    try {
      await told.next('broke', { after: 0, withinMs: 8_000 })
    } finally {
      server.resume()
    }
    expect(performance.now() - paused).toBeLessThan(7_000)
    await store('member.removed', 1)
    await told.provedNow()
    expect(told.outline()).toEqual(['began', 'member.x', 'broke', 'resumed', 'member.removed'])
  })

  it('resumes where the last of the stream was none of its subjects', async () => {
    const feed = await followed()
    await feed.store('other.x', 1)
    await feed.told.provedNow()
    await server.stop()
    await server.start()
    await feed.store('other.x', 2)
    await feed.store('member.removed', 3)
    await feed.told.next('resumed', { after: 0 })
    await feed.told.provedNow()
    expect(feed.told.messages()).toEqual(['member.x "first"', 'member.removed 3'])
  })
})

describe('a feed begins anew where the stream does not go on', () => {
  it.each<[string, (feed: Awaited<ReturnType<typeof followed>>) => Promise<unknown>, string[]]>([
    [
      'it was deleted and made again',
      async ({ create, name, store, streams }) => {
        await streams.delete(name)
        await create()
        for (const body of [1, 2, 3]) await store('member.removed', body)
      },
      ['1', '2', '3'],
    ],
    [
      'it was purged with messages that were not read',
      async ({ name, store, streams }) => {
        await store('member.removed', 'purged')
        await streams.purge(name)
        await store('member.removed', 1)
      },
      ['1'],
    ],
    [
      'a message that was not read was deleted',
      async ({ name, store, streams }) => {
        await store('member.removed', 1)
        await streams.deleteMessage(name, await store('member.removed', 2))
        await store('member.removed', 3)
      },
      ['1', '3'],
    ],
    [
      'it dropped messages that were not read',
      async ({ name, store, streams }) => {
        await streams.update(name, { max_msgs: 2 })
        for (const body of [1, 2, 3]) await store('member.removed', body)
      },
      ['2', '3'],
    ],
  ])(
    'because %s',
    async (_title, meanwhile, texts) => {
      const feed = await followed()
      await cut(feed, () => meanwhile(feed))
      await feed.told.next('began', { after: 1 })
      await feed.told.provedNow()
      expect(feed.told.outline().slice(0, 4)).toEqual(['began', 'member.x', 'broke', 'began'])
      expect(feed.told.of('resumed')).toEqual([])
      expect(
        feed.told
          .of('message')
          .slice(-texts.length)
          .map(({ text }) => text),
      ).toEqual(texts)
    },
    40_000,
  )

  it('because it lost its end and gives the same numbers out again', async () => {
    const { feed, name, proxy, store } = await followed()
    await feed.close()
    await server.stop()
    const folder = /Store Directory: +"([^"]+)"/.exec(server.log())?.[1] ?? ''
    const saved = join(testFolder(), 'saved')
    cpSync(folder, saved, { recursive: true })
    await server.start()
    const { told } = openFeed({ url: proxy.url, stream: name, prefix: name })
    await store('member.removed', 'lost')
    await told.next('message', { after: 1 })
    await server.stop()
    await told.next('broke', { after: 0 })
    proxy.swallow() // it comes back when the numbers have been given out again
    rmSync(folder, { recursive: true })
    cpSync(saved, folder, { recursive: true })
    await server.start()
    for (const body of ['in its place', 'after it']) await store('member.removed', body)
    proxy.heal()
    await told.next('began', { after: 1 })
    await told.provedNow()
    expect(told.of('resumed')).toEqual([])
    expect(told.messages().slice(-2)).toEqual([
      'member.removed "in its place"',
      'member.removed "after it"',
    ])
  })

  it('because it is removed and made again before its eyes', async () => {
    const { create, fault, name, store, streams, told } = await followed()
    await streams.delete(name)
    await told.next('broke', { after: 0 })
    await until(() => fault().includes('there is no stream'), { what: 'the fault' })
    await create()
    await store('member.removed', 1)
    await told.provedNow()
    expect(told.outline()).toEqual(['began', 'member.x', 'broke', 'began', 'member.removed'])
  })

  it('because it takes other subjects now', async () => {
    const { name, streams, told } = await followed()
    await streams.update(name, { subjects: [`${name}.member.>`, `${name}.user.>`] })
    await told.next('broke', { after: 0 })
    expect(told.of('broke')[0]?.why).toBe('the subjects of the stream changed')
    await told.next('began', { after: 1 })
  })
})

describe('a consumer', () => {
  it('that is deleted on the server is replaced without loss', async () => {
    const { consumers, name, store, told } = await followed()
    const [consumer] = await consumers.list(name).next()
    await consumers.delete(name, consumer?.name ?? '')
    await store('member.removed', 'unheard')
    const storedMs = performance.now()
    await told.next('resumed', { after: 0 })
    await told.provedNow()
    expect(told.outline()).toEqual(['began', 'member.x', 'broke', 'resumed', 'member.removed'])
    expect(told.of('broke')[0]?.why).toBe('the consumer is silent')
    const before = told.heard.slice(
      0,
      told.heard.findIndex(({ what }) => what === 'broke'),
    )
    const late = before.filter((one) => one.what === 'proved' && one.moment.monotonicMs >= storedMs)
    expect(late).toEqual([])
  })

  it('whose inbox gets what is none of the stream is not trusted', async () => {
    const { consumers, name, told } = await followed()
    const [consumer] = await consumers.list(name).next()
    await publisher.publish(consumer?.config.deliver_subject ?? '', 'hello')
    await told.next('resumed', { after: 0 })
    expect(told.of('broke')[0]?.why).toContain('not from the stream')
    expect(told.messages()).toEqual(['member.x "first"'])
  })
})
