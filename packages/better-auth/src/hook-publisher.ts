import type { ChangeEvent } from './hook-events.ts'
import type { Message, Publisher } from './publisher.ts'
import type { Reporter } from './reporter.ts'

/** Publishes what hooks tell, as well as memory alone allows. */
export interface HookPublisher {
  /** Returns at once. */
  readonly tell: (event: ChangeEvent) => void
  readonly close: () => Promise<void>
}

export interface HookPublisherDeps {
  readonly createPublisher: (onConnected: () => void) => Publisher
  readonly prefix: string
  readonly reporter: Reporter
}

/** While NATS is away so many are kept, the oldest are dropped first. */
const most = 10_000
const batch = 500

export function createHookPublisher(deps: HookPublisherDeps): HookPublisher {
  const waiting: Message[] = []
  let publishing = false
  const publisher = deps.createPublisher(() => void publishAll())

  async function publishAll(): Promise<void> {
    if (publishing) return
    publishing = true
    try {
      while (waiting.length > 0 && publisher.connected()) {
        const next = waiting.slice(0, batch)
        const { answered } = await publisher.publish(next)
        if (!answered) break
        // What the server refused is not tried again: nothing here outlives the process anyway.
        const done = new Set(next)
        waiting.splice(0, waiting.length, ...waiting.filter((message) => !done.has(message)))
      }
    } finally {
      publishing = false
    }
  }

  return {
    tell({ body, subject }) {
      const { prefix, reporter } = deps
      waiting.push({
        id: crypto.randomUUID(),
        subject: prefix === '' ? subject : `${prefix}.${subject}`,
        body: JSON.stringify(body),
      })
      if (waiting.length > most) {
        waiting.shift()
        reporter.problem(
          'waiting',
          `more than ${most} changes wait for NATS: the oldest are dropped`,
        )
      }
      void publishAll()
    },
    async close() {
      await publishAll()
      await publisher.close()
    },
  }
}
