import { afterAll, beforeAll, describe } from 'vitest'
import { createNatsChangeFeed } from '../../../src/adapters/nats/change-feed.ts'
import { startNats, type NatsServer } from '../../../src/adapters/servers/nats.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { changeFeedContract } from '../../contract/change-feed.contract.ts'
import { changePublisher, type ChangePublisher } from '../../support/change-publisher.ts'
import { memoryChangeFeed } from '../../support/memory-change-feed.ts'
import { systemClock } from '../../support/recording-listener.ts'
import { uniqueName } from '../../support/servers.ts'

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

describe('a feed in memory', () => {
  changeFeedContract(async (listener) => {
    const feed = memoryChangeFeed({ listener, clock: systemClock })
    feed.begin()
    return {
      feed,
      publish: async (subject, body) => feed.publish(subject, body),
      interrupt: async () => {
        feed.breakOff()
        feed.resume()
      },
      mayProve: () => feed.prove(),
      close: () => Promise.resolve(),
    }
  })
})

describe.each(['core NATS', 'JetStream'])('a feed from %s', (kind) => {
  changeFeedContract(async (listener) => {
    const prefix = uniqueName('contract')
    const stream = kind === 'JetStream' ? prefix : undefined
    if (stream !== undefined)
      await publisher.createStream({ name: stream, subjects: [`${prefix}.>`] })
    const feed = createNatsChangeFeed({
      ...{ url: server.url, prefix, stream, listener, clock: systemClock },
      ...{ cacheTtlMs: 60_000, marginMs: 5_000, random: Math.random, onFault: () => undefined },
    })
    const send = stream === undefined ? publisher.publish : publisher.store
    return {
      feed,
      async publish(subject, body) {
        await send(`${prefix}.${subject}`, body)
      },
      async interrupt() {
        await server.stop()
        await server.start()
      },
      mayProve: () => undefined,
      close: () => Promise.resolve(),
    }
  })
})
