import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  ReplayPolicy,
} from '@nats-io/jetstream'
import { createInbox, type Msg, nanos, type NatsConnection } from '@nats-io/transport-node'
import type { Attempt } from './attempt.ts'
import { type Delivery, readDelivery } from './delivery.ts'
import { answerMs } from './session.ts'

/** Where a consumer starts in the stream: at a message, or at a time (Unix time in ms). */
export type Start = { readonly sequence: number } | { readonly timeMs: number }

type Stored = Extract<Delivery, { readonly kind: 'message' }>

/** What a push consumer works with. */
export interface PushConsumerDeps {
  readonly attempt: Attempt
  readonly nats: NatsConnection
  readonly jsm: JetStreamManager
  readonly stream: string
  readonly filters: readonly string[]
  readonly start: Start
  /** Called once the consumer is there, before anything is handed over. */
  readonly onStart: () => void
  /** Called for each message, in the order of the stream. */
  readonly onMessage: (message: Msg, delivery: Stored) => void
  /** Called when more of the stream has been handed over. */
  readonly onProgress: () => void
}

const heartbeatMs = 1_000
const silenceMs = 4_000
const abandonedMs = 10_000

/** A consumer of our own. */
export interface PushConsumer {
  /** Creates it on the server; resolves once it is there. */
  readonly open: () => Promise<void>
  /** Up to which sequence of the stream all that it filters has been handed over. */
  readonly reached: () => number
}

/**
 * An ephemeral consumer that pushes to an inbox, followed as ADR-17 of NATS has it: no gap in what
 * it counts, heartbeats when it is idle. A gap or silence ends the attempt. (The library's ordered
 * consumer mends itself in its own time, which would hide the break.)
 */
export function createPushConsumer(deps: PushConsumerDeps): PushConsumer {
  const { attempt, nats, jsm, stream } = deps
  const inbox = createInbox()
  const follower = createFollower(deps)
  let early: Msg[] | undefined = []
  let heard = (): void => undefined

  function take(message: Msg): void {
    heard()
    // The consumer may be quicker than the answer that it is there; flow control bounds this.
    if (early === undefined) follower.take(message)
    else early.push(message)
  }

  return {
    reached: follower.reached,
    async open() {
      nats.subscribe(inbox, {
        callback(refusal, message) {
          if (refusal !== null) attempt.end(`the inbox was refused: ${refusal.message}`)
          else take(message)
        },
      })
      const added = jsm.consumers.add(stream, configOf(deps, inbox))
      const info = await attempt.within(added, answerMs, 'creating a consumer')
      heard = attempt.watchdog(silenceMs, 'the consumer is silent')
      follower.begin(info)
      const waiting = early ?? []
      early = undefined
      for (const message of waiting) follower.take(message)
    },
  }
}

function configOf({ filters, start }: PushConsumerDeps, inbox: string) {
  return {
    ...('sequence' in start
      ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.sequence }
      : {
          deliver_policy: DeliverPolicy.StartTime,
          opt_start_time: new Date(start.timeMs).toISOString(),
        }),
    deliver_subject: inbox,
    filter_subjects: [...filters],
    ack_policy: AckPolicy.None,
    replay_policy: ReplayPolicy.Instant,
    flow_control: true,
    idle_heartbeat: nanos(heartbeatMs),
    inactive_threshold: nanos(abandonedMs),
    mem_storage: true,
    num_replicas: 1,
  }
}

/** Keeps count of what a consumer sends. */
function createFollower({
  attempt,
  nats,
  start,
  onStart,
  onMessage,
  onProgress,
}: PushConsumerDeps) {
  let counted = 0
  let reached = 0
  let last = 'sequence' in start ? start.sequence - 1 : 0

  function take(message: Msg): void {
    if (attempt.ended()) return
    const delivery = readDelivery(message)
    switch (delivery.kind) {
      case 'flow-control':
        message.respond()
        return
      case 'heartbeat':
        if (delivery.stalled !== undefined) nats.publish(delivery.stalled)
        if (delivery.consumerSequence > counted) attempt.end('the consumer left something out')
        // Sent before the latest message: it says nothing new.
        if (delivery.consumerSequence !== counted) return
        reached = Math.max(reached, delivery.streamSequence)
        onProgress()
        return
      case 'message':
        if (delivery.consumerSequence !== counted + 1) {
          attempt.end('the consumer left something out')
          return
        }
        counted = delivery.consumerSequence
        if (delivery.streamSequence > last) onMessage(message, delivery)
        last = Math.max(last, delivery.streamSequence)
        reached = Math.max(reached, last)
        onProgress()
        return
      case 'other':
        attempt.end(`the consumer sent ${delivery.what}`)
    }
  }

  return {
    take,
    reached: () => reached,
    begin({ delivered }: ConsumerInfo) {
      // Before it sent anything, this is where it starts: all before was not asked for.
      if (delivered.consumer_seq === 0) reached = delivered.stream_seq
      onStart()
    },
  }
}
