import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { readNatsAddress } from '../../packages/better-auth/src/nats-address.ts'
import { until } from '../support/poll.ts'

/** An event as it came, and when. */
export interface Heard {
  /** Without the prefix. */
  readonly subject: string
  readonly body: Readonly<Record<string, unknown>>
  readonly id: string
  readonly atMs: number
}

/** Whoever listens to the events, as tenantgate does. */
export interface Listener {
  readonly heard: readonly Heard[]
  /** Waits for the first one like this, and gives it. */
  readonly hear: (subject: string, body: object, withinMs?: number) => Promise<Heard>
  readonly forget: () => void
  readonly close: () => Promise<void>
}

/** Listens to all subjects under a prefix, over one connection; it connects again by itself. */
export async function listen(url: string, prefix: string): Promise<Listener> {
  const nats = await connect({
    ...readNatsAddress(url),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 20,
    reconnectJitter: 0,
  })
  const heard: Heard[] = []
  nats.subscribe(`${prefix}.>`, {
    callback(_error, message) {
      heard.push({
        subject: message.subject.slice(prefix.length + 1),
        body: message.json(),
        id: message.headers?.get('Nats-Msg-Id') ?? '',
        atMs: performance.now(),
      })
    },
  })
  await nats.flush()
  const matches = (one: Heard, subject: string, body: object): boolean =>
    one.subject === subject && Object.entries(body).every(([key, value]) => one.body[key] === value)
  return {
    heard,
    hear: (subject, body, withinMs = 5_000) =>
      until(() => heard.find((one) => matches(one, subject, body)), {
        what: `${subject} ${JSON.stringify(body)} among ${JSON.stringify(heard.map((one) => [one.subject, one.body]))}`,
        withinMs,
      }),
    forget: () => void heard.splice(0),
    close: () => nats.close(),
  }
}

/** A stream of all subjects under a prefix; gives how many messages it holds. */
export async function makeStream(url: string, prefix: string): Promise<() => Promise<number>> {
  const count = async (add: boolean): Promise<number> => {
    const nats = await connect(readNatsAddress(url))
    const { streams } = await jetstreamManager(nats)
    if (add) await streams.add({ name: prefix, subjects: [`${prefix}.>`] })
    const { state } = await streams.info(prefix)
    await nats.close()
    return state.messages
  }
  await count(true)
  return () => count(false)
}
