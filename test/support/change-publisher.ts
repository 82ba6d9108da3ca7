import {
  jetstream,
  jetstreamManager,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'

/** Publishes as Better Auth's side does, over a connection of its own. */
export interface ChangePublisher {
  /** Publishes to core NATS; resolves once the server has it. */
  readonly publish: (subject: string, body: unknown) => Promise<void>
  /** Publishes to a stream; resolves with its number once the stream has stored it. */
  readonly store: (subject: string, body: unknown) => Promise<number>
  /** Makes a stream, as its owner does. */
  readonly createStream: (
    config: Partial<StreamConfig> & { readonly name: string },
  ) => Promise<void>
  readonly streams: JetStreamManager
  readonly close: () => Promise<void>
}

/** Connects; it reconnects by itself when the server restarts. */
export async function changePublisher(url: string): Promise<ChangePublisher> {
  const { host, username, password } = new URL(url)
  const nats = await connect({
    servers: host,
    user: username,
    pass: password,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 0,
  })
  const streams = await jetstreamManager(nats, { checkAPI: false })
  const stream = jetstream(nats)
  const bytes = (body: unknown) => (body instanceof Uint8Array ? body : JSON.stringify(body))
  return {
    streams,
    async publish(subject, body) {
      nats.publish(subject, bytes(body))
      await nats.flush()
    },
    store: async (subject, body) =>
      (await stream.publish(subject, bytes(body), { retries: 100 })).seq,
    async createStream(config) {
      await streams.streams.add({ subjects: ['member.>', 'user.>', 'organization.>'], ...config })
    },
    close: () => nats.close(),
  }
}
