import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startNats, type NatsServer } from '../../../src/adapters/servers/nats.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { changePublisher, type ChangePublisher } from '../../support/change-publisher.ts'
import { during } from '../../support/eventually.ts'
import { until } from '../../support/poll.ts'
import type { RecordingListener } from '../../support/recording-listener.ts'
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

/** Proofs of a moment after `sinceMs` that came in a session that had not heard the message. */
function wrongProofs(told: RecordingListener, text: string, sinceMs: number) {
  const end = told.heard.findIndex(
    (one, index) =>
      (one.what === 'message' && one.text === text) ||
      (one.what === 'began' && index > 0 && one.at.monotonicMs > sinceMs),
  )
  return told.heard
    .slice(0, end === -1 ? undefined : end)
    .filter((one) => one.what === 'proved' && one.moment.monotonicMs > sinceMs)
}

describe('a server that is stopped and started again', () => {
  it('breaks the feed at once; it begins anew by itself', async () => {
    const { faults, states, told } = openFeed({ url: server.url })
    await told.next('proved', { after: 0 })
    await server.stop()
    await told.next('broke', { after: 0, withinMs: 1_000 })
    await during(1_000, () => expect(told.outline()).toEqual(['began', 'broke']))
    await server.start()
    await told.next('began', { after: 1, withinMs: 4_000 })
    await publisher.publish('member.removed', 'after')
    await told.provedNow()
    expect(told.outline()).toEqual(['began', 'broke', 'began', 'member.removed'])
    expect(states).toEqual([true, false, true])
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringContaining('closed'),
      'NATS: connection refused',
    ])
    expect(faults.every(({ code }) => code === 'SERVER_UNAVAILABLE')).toBe(true)
  })

  it('need not be there when the feed is opened', async () => {
    await server.stop()
    const { fault, told } = openFeed({ url: server.url })
    await until(() => fault() !== '', { what: 'a fault' })
    expect(fault()).toBe('NATS: connection refused')
    expect(told.heard).toEqual([])
    await server.start()
    await told.next('proved', { after: 0 })
    expect(told.outline()).toEqual(['began'])
  })
})

describe('a server that stands still', () => {
  it('breaks the feed within 7 s and is followed again when it goes on', async () => {
    const { told } = openFeed({ url: server.url })
    await told.next('proved', { after: 0 })
    server.pause()
    const paused = performance.now()
    try {
      await told.next('broke', { after: 0, withinMs: 8_000 })
      expect(performance.now() - paused).toBeLessThan(7_500)
      // Its kernel still accepts connections: one attempt after the other fails.
      const { length } = told.heard
      await during(4_000, () => expect(told.heard).toHaveLength(length))
      expect(told.of('proved').at(-1)?.moment.monotonicMs).toBeLessThan(paused)
    } finally {
      server.resume()
    }
    await told.next('proved', { after: told.of('proved').length })
    expect(told.outline()).toEqual(['began', 'broke', 'began'])
  })
})

describe('a network that swallows everything', () => {
  it('never has a moment proved that is later than a message it swallowed', async () => {
    const proxy = await startTcpProxy(server.url)
    onTestFinished(() => proxy.close())
    const { told } = openFeed({ url: proxy.url })
    await told.next('proved', { after: 0 })
    proxy.swallow()
    await publisher.publish('member.removed', 'swallowed')
    const publishedMs = performance.now()
    await told.next('broke', { after: 0, withinMs: 8_000 })
    // Attempts into the hole are given up whole: not one socket is left behind.
    await until(() => proxy.opened() >= 4, { what: 'new attempts', withinMs: 15_000 })
    await until(() => proxy.open() <= 1, { what: 'old sockets to go', withinMs: 1_000 })
    proxy.heal()
    await told.next('began', { after: 1 })
    await told.provedNow()
    expect(told.outline()).toEqual(['began', 'broke', 'began'])
    expect(wrongProofs(told, '"swallowed"', publishedMs)).toEqual([])
    expect(told.of('began')[1]?.sinceWallMs).toBeGreaterThan(
      (told.of('broke')[0]?.at.wallMs ?? 0) - 1,
    )
  })

  it('has only hurt what it swallowed: a break before any message is a break too', async () => {
    const proxy = await startTcpProxy(server.url)
    onTestFinished(() => proxy.close())
    proxy.swallow()
    const { feed, fault, told } = openFeed({ url: proxy.url })
    await until(() => fault() !== '', { what: 'a fault' })
    expect(told.heard).toEqual([])
    await feed.close()
    await until(() => proxy.open() === 0, { what: 'the socket to go', withinMs: 1_000 })
  })
})

/** A relay that can stop reading from the server: what the server sends piles up there. */
async function startRelay(port: number) {
  const upstreams = new Set<Socket>()
  const relay = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    upstreams.add(upstream)
    upstream.pipe(client)
    client.pipe(upstream)
    for (const socket of [upstream, client]) socket.on('error', () => undefined)
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroySoon())
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const upstream of upstreams) upstream.destroy()
    relay.close()
  })
  return {
    url: `nats://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    hold: () => upstreams.forEach((upstream) => upstream.pause()),
    release: () => upstreams.forEach((upstream) => upstream.resume()),
  }
}

describe('a feed that is too slow for the server', () => {
  it('is dropped, and what it missed lies before a new beginning', async () => {
    const relay = await startRelay(server.port)
    const { told } = openFeed({ url: relay.url })
    await told.next('proved', { after: 0 })
    relay.hold()
    // The server holds 64 MB for a connection, and waits 10 s for a write; a message is 1 MB.
    const large = new Uint8Array(1_000_000).fill(120)
    const dropped = () => /Slow Consumer/i.test(server.log())
    for (let sent = 0; sent < 120 && !dropped(); sent += 1) {
      large.set(new TextEncoder().encode(`${String(sent).padStart(4, '0')} `))
      await publisher.publish('member.x', large)
    }
    await until(dropped, { what: 'the drop', withinMs: 15_000 })
    await publisher.publish('member.removed', 'missed')
    const publishedMs = performance.now()
    relay.release()
    await told.next('broke', { after: 0 })
    await told.next('began', { after: 1 })
    await told.provedNow()
    const outline = told.outline()
    const handedOver = outline.indexOf('broke') - 1
    expect(outline).toEqual([
      'began',
      ...Array<string>(handedOver).fill('member.x'),
      'broke',
      'began',
    ])
    expect(told.messages().map((one) => Number(one.slice(9, 13)))).toEqual([
      ...Array(handedOver).keys(),
    ])
    expect(wrongProofs(told, '"missed"', publishedMs)).toEqual([])
  }, 40_000)
})
