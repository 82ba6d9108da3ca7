import { connect } from '@nats-io/transport-node'
import type { Publish } from './better-auth-events.ts'

/** Publishes what Better Auth's hooks tell, and remembers when it last did. */
export interface EventPublisher {
  readonly publish: Publish
  /** When the last event left, on the monotonic clock, in ms. */
  readonly publishedAtMs: () => number
  readonly close: () => Promise<void>
}

/** Connects to NATS; subjects get the prefix and a dot before them. */
export async function connectEventPublisher(url: string, prefix: string): Promise<EventPublisher> {
  const { hostname, password, port, username } = new URL(url)
  const connection = await connect({
    servers: `${hostname}:${port === '' ? '4222' : port}`,
    ...(username !== '' && {
      user: decodeURIComponent(username),
      pass: decodeURIComponent(password),
    }),
  })
  let publishedAtMs = -Infinity
  return {
    async publish(subject, event) {
      publishedAtMs = performance.now()
      connection.publish(`${prefix}.${subject}`, JSON.stringify(event))
      await connection.flush()
    },
    publishedAtMs: () => publishedAtMs,
    close: () => connection.close(),
  }
}
