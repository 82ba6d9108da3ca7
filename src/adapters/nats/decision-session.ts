import { createInbox, headers, type Msg, type NatsConnection } from '@nats-io/transport-node'
import type { Attempt } from './attempt.ts'
import type { DecisionQueue, QueuedLine } from './decision-queue.ts'
import { refusalOf } from './decision-refusal.ts'
import { answerMs } from './session.ts'

/** Lines that may be on their way at once. */
const maxUnacknowledged = 1_000
const lookEveryMs = 1_000
const firstRetryMs = 100
const maxRetryMs = 2_000
/** What the headers of a message may take of the server's `max_payload`, in bytes. */
const headerBytes = 256

/** Publishes a queue's lines on one connection until that ends. */
export interface DecisionSession {
  /** To be told after something was put into the queue. */
  readonly nudge: () => void
  /** Bytes that a line may have on this server. */
  readonly maxLineBytes: number
  /** Rejects when the connection ends. */
  readonly run: () => Promise<never>
}

/** What a session rests on. */
export interface DecisionSessionDeps {
  readonly attempt: Attempt
  readonly nats: NatsConnection
  readonly queue: DecisionQueue
  readonly subject: string
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
  /** The stream takes lines, or refuses them for now. */
  readonly onState: (takes: boolean) => void
  /** A line that no try will bring into the stream was given up. */
  readonly onGivenUp: (line: QueuedLine, why: string) => void
  readonly onFault: (message: string) => void
}

/**
 * Begins to publish. All that the queue holds is sent in its order, also what an earlier connection
 * sent without an answer: the stream knows it by its id. After a refusal one line is tried alone.
 */
export function createDecisionSession(deps: DecisionSessionDeps): DecisionSession {
  const { attempt, monotonicNow, nats, onFault, onGivenUp, onState, queue, subject } = deps
  const inbox = createInbox()
  const maxLineBytes = (nats.info?.max_payload ?? Infinity) - headerBytes
  let next = queue.range().first
  /** Numbers that were sent and not answered yet. */
  const sent = new Set<number>()
  let progressMs = monotonicNow()
  let window = maxUnacknowledged
  let refusals = 0
  let scheduled = false
  let resting = false

  nats.subscribe(`${inbox}.*`, {
    callback(refusal, message) {
      // With a refusal there is no message.
      if (refusal !== null) attempt.end(`answers are refused: ${refusal.message}`)
      else answered(message)
    },
  })

  function pump(): void {
    scheduled = false
    if (attempt.ended() || resting) return
    const { first, next: end } = queue.range()
    for (next = Math.max(next, first); next < end && sent.size < window; next += 1) {
      const line = queue.at(next)
      if (line === undefined || line.stored) continue
      if (line.bytes > maxLineBytes) giveUp(next, line, `it is larger than ${maxLineBytes} bytes`)
      else publish(next, line)
    }
    // Nothing speaks against the stream; the next line will tell.
    if (isEmpty()) onState(true)
  }

  function isEmpty(): boolean {
    const { first, next: end } = queue.range()
    return first === end
  }

  function publish(number: number, { id, line }: QueuedLine): void {
    if (sent.size === 0) progressMs = monotonicNow()
    sent.add(number)
    const named = headers()
    named.set('Nats-Msg-Id', id)
    nats.publish(subject, line, { reply: `${inbox}.${number}`, headers: named })
  }

  function answered(message: Msg): void {
    if (attempt.ended()) return
    const number = Number(message.subject.slice(inbox.length + 1))
    const refusal = refusalOf(message)
    const wasSent = sent.delete(number)
    progressMs = monotonicNow()
    if (refusal === undefined) {
      queue.settle(number)
      refusals = 0
      window = maxUnacknowledged
      onState(true)
    } else if (refusal.isFinal) {
      const line = queue.at(number)
      if (line !== undefined) giveUp(number, line, refusal.why)
    } else if (wasSent) rest(refusal.why)
    nudge()
  }

  function giveUp(number: number, line: QueuedLine, why: string): void {
    onGivenUp(line, why)
    queue.settle(number)
  }

  /** Waits, and begins again with the oldest line, alone. */
  function rest(why: string): void {
    sent.clear()
    next = queue.range().first
    window = 1
    onState(false)
    onFault(why)
    if (resting) return
    resting = true
    const ms = Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(refusals, 10))
    refusals += 1
    attempt
      .pause(ms)
      .then(() => {
        resting = false
        nudge()
      })
      .catch(() => undefined) // it has ended
  }

  /** Lines of one turn go together. */
  function nudge(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(pump)
  }

  return {
    nudge,
    maxLineBytes,
    async run() {
      await attempt.within(nats.flush(), answerMs, 'connecting')
      nudge()
      for (;;) {
        await attempt.pause(lookEveryMs)
        await attempt.within(nats.flush(), answerMs, 'ping')
        if (sent.size > 0 && monotonicNow() - progressMs > answerMs) {
          throw new Error(`no acknowledgement: does a stream take ${subject}, and may we publish?`)
        }
      }
    },
  }
}
