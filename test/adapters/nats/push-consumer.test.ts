import type { JetStreamManager } from '@nats-io/jetstream'
import {
  headers,
  type Msg,
  type NatsConnection,
  type SubscriptionOptions,
} from '@nats-io/transport-node'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAttempt } from '../../../src/adapters/nats/attempt.ts'
import { createPushConsumer, type Start } from '../../../src/adapters/nats/push-consumer.ts'

const reply = (stream: number, consumer: number) =>
  `$JS.ACK.S.C.1.${stream}.${consumer}.1795263023382359871.0`

/** A consumer on a server that sends what a test makes it send. A real one guards its inbox well. */
async function opened(
  options: { start?: Start; delivered?: [number, number]; early?: Msg[] } = {},
) {
  const { start = { timeMs: 0 }, delivered = [0, 0], early = [] } = options
  const log: string[] = []
  const sent: string[] = []
  let callback: SubscriptionOptions['callback']
  const receive = (message: Msg) => void callback?.(null, message)
  const attempt = createAttempt((why) => void log.push(`ended: ${why}`))
  onTestFinished(() => attempt.end('the test is over'))
  const nats = {
    subscribe: (_inbox: string, given: SubscriptionOptions) => void ({ callback } = given),
    publish: (subject: string) => void sent.push(subject),
  } as unknown as NatsConnection
  const add = async () => {
    for (const message of early) receive(message)
    return { delivered: { consumer_seq: delivered[0], stream_seq: delivered[1] } }
  }
  const consumer = createPushConsumer({
    ...{ attempt, nats, stream: 'S', filters: ['member.>'], start },
    jsm: { consumers: { add } } as unknown as JetStreamManager,
    onStart: () => void log.push('started'),
    onMessage: (message) => void log.push(message.subject),
    onProgress: () => undefined,
  })
  const opening = consumer.open()
  await opening

  const message = (subject: string, of: string) => receive({ subject, reply: of } as Msg)
  const heartbeat = (count: number, stream: number, stalled?: string) => {
    const fields = headers(100, 'Idle Heartbeat')
    fields.set('Nats-Last-Consumer', String(count))
    fields.set('Nats-Last-Stream', String(stream))
    if (stalled !== undefined) fields.set('Nats-Consumer-Stalled', stalled)
    receive({ subject: 'inbox', headers: fields } as Msg)
  }
  const status = (code: number, description: string) =>
    receive({
      subject: 'inbox',
      headers: headers(code, description),
      respond: () => sent.push('answered'),
    } as unknown as Msg)
  return { log, sent, message, heartbeat, status, reached: consumer.reached }
}

describe('a push consumer', () => {
  it('hands over in order what counts on without a gap', async () => {
    const { log, message, reached } = await opened()
    message('a', reply(4, 1))
    message('b', reply(9, 2))
    expect(log).toEqual(['started', 'a', 'b'])
    expect(reached()).toBe(9)
  })

  it('hands over what came before the answer that it is there, after the start', async () => {
    const early = [
      { subject: 'a', reply: reply(4, 1) },
      { subject: 'b', reply: reply(5, 2) },
    ]
    const { log, message, reached } = await opened({ early: early as Msg[], delivered: [2, 5] })
    message('c', reply(6, 3))
    expect(log).toEqual(['started', 'a', 'b', 'c'])
    expect(reached()).toBe(6)
  })

  it('claims nothing that was sent but not yet handled', async () => {
    const { reached } = await opened({ delivered: [2, 5] })
    expect(reached()).toBe(0)
  })

  it('has reached the message before its start when it has sent nothing', async () => {
    const { reached } = await opened({ start: { sequence: 8 }, delivered: [0, 7] })
    expect(reached()).toBe(7)
  })

  it.each([
    ['a gap', reply(7, 3)],
    ['a number that came before', reply(7, 1)],
    ['no reply', ''],
    ['another reply', 'some.inbox'],
    ['numbers that are none', '$JS.ACK.S.C.1.x.2.1795263023382359871.0'],
  ])('ends the attempt at %s and hands nothing over any more', async (_title, of) => {
    const { log, message, reached } = await opened()
    message('a', reply(4, 1))
    message('b', of)
    message('c', reply(5, 2))
    expect(log.slice(0, 2)).toEqual(['started', 'a'])
    expect(log.slice(2)).toEqual([expect.stringMatching(/^ended: the consumer (left|sent)/)])
    expect(reached()).toBe(4)
  })

  it.each([
    ['a message of the start', { sequence: 8 }, [7, 8, 9], ['8', '9']],
    ['one handed over already', { timeMs: 0 }, [3, 3, 4, 2], ['3', '4']],
  ])('skips what comes before %s', async (_title, start, sequences, handedOver) => {
    const { log, message } = await opened({ start })
    for (const [index, sequence] of sequences.entries())
      message(`${sequence}`, reply(sequence, index + 1))
    expect(log.slice(1)).toEqual(handedOver)
  })

  it('reads the newer form of the reply, with a domain', async () => {
    const { log, message, reached } = await opened()
    message('a', '$JS.ACK.hub.ABCDEF.S.C.1.41.1.1795263023382359871.0.rnd')
    message('b', '$JS.ACK._.ABCDEF.S.C.1.42.2.1795263023382359871.0')
    expect(log).toEqual(['started', 'a', 'b'])
    expect(reached()).toBe(42)
  })

  it('learns from a heartbeat how far the stream was looked through', async () => {
    const { heartbeat, log, message, reached } = await opened()
    message('a', reply(4, 1))
    heartbeat(1, 12)
    expect(reached()).toBe(12)
    heartbeat(0, 99) // from before the message
    expect(reached()).toBe(12)
    expect(log).toEqual(['started', 'a'])
  })

  it('ends the attempt when a heartbeat counts what never came', async () => {
    const { heartbeat, log, reached } = await opened()
    heartbeat(1, 12)
    expect(log).toEqual(['started', 'ended: the consumer left something out'])
    expect(reached()).toBe(0)
  })

  it('answers flow control, also where its request was lost', async () => {
    const { heartbeat, sent, status } = await opened()
    status(100, 'FlowControl Request')
    heartbeat(0, 0, '$JS.FC.S.C.x')
    expect(sent).toEqual(['answered', '$JS.FC.S.C.x'])
  })

  it.each([
    [409, 'Consumer Deleted'],
    [503, 'No Responders'],
  ])('ends the attempt at the status %d', async (code, description) => {
    const { log, status } = await opened()
    status(code, description)
    expect(log.at(-1)).toBe(`ended: the consumer sent ${code} ${description}`)
  })
})
