import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import type { Clock } from '../../ports/clock.ts'
import type { Attempt } from './attempt.ts'
import { createPushConsumer, type PushConsumer } from './push-consumer.ts'
import { answerMs, type Session } from './session.ts'
import { continues, endOf, type Position } from './stream-history.ts'
import { lookAtStream, type StreamLook } from './stream-look.ts'
import { createStreamPast, type StreamPast } from './stream-past.ts'
import { createStreamProof, type StreamProof } from './stream-proof.ts'

/** What sessions on a stream work with. */
export interface StreamSessionDeps {
  readonly stream: string
  readonly subjects: readonly string[]
  readonly prefix: string
  /** How much of the past is replayed at a start, in ms. */
  readonly windowMs: number
  readonly marginMs: number
  readonly clock: Clock
  /** Told what the stream does not take. */
  readonly onGap: (message: string) => void
}

const lookEveryMs = 1_000
const stuckMs = 10_000

/**
 * JetStream: a session resumes where the one before it stopped, if the stream can prove that it goes
 * on from there; else it begins anew with the stream's recent past.
 */
export function createStreamSession(deps: StreamSessionDeps): Session {
  const { clock, prefix, stream } = deps
  let position: Position | undefined
  /** What is older is the stream's past, replayed at the start: it is not late. */
  const madeMs = clock().wallMs

  return async (attempt, nats, told) => {
    const jsm = await jetstreamManager(nats, { checkAPI: false, timeout: 2 * answerMs })
    const startedMs = clock().wallMs
    const first = await lookAtStream({ ...deps, attempt, jsm })
    if (!(await goesOn({ attempt, jsm, position, stream, first }))) position = undefined

    const past = createStreamPast({ ...deps, told, first, resumeAt: position, startedMs })
    const moving = attempt.watchdog(stuckMs, 'the stream does not move on')
    const consumer = createPushConsumer({
      ...{ attempt, nats, jsm, stream, filters: first.filters, start: past.start },
      onStart: past.begin,
      onMessage(message, { storedAtMs, streamSequence }) {
        moving()
        const live = storedAtMs >= madeMs ? storedAtMs : undefined
        told.message(message.subject.slice(prefix.length), message.data, live)
        if (attempt.ended()) return
        position = { created: first.info.created, sequence: streamSequence, storedAtMs }
      },
      onProgress: () => proof.settle(),
    })
    const proof = createStreamProof({
      reached: consumer.reached,
      onProved(at, end) {
        moving()
        if (end.sequence > (position?.sequence ?? -1)) position = end
        told.proved(at)
      },
    })
    await consumer.open()
    return keepLooking({
      ...{ attempt, clock, consumer, past, proof },
      look: () => lookAtStream({ ...deps, attempt, jsm }),
      onLost: () => (position = undefined),
    })
  }
}

/** Asks for the end of the stream again and again, to prove that it was reached. */
async function keepLooking(deps: {
  readonly attempt: Attempt
  readonly clock: Clock
  readonly consumer: PushConsumer
  readonly past: StreamPast
  readonly proof: StreamProof
  readonly look: () => Promise<StreamLook>
  /** Told after the end, when nothing sets the position again. */
  readonly onLost: () => void
}): Promise<never> {
  const { attempt, clock, consumer, past, proof } = deps
  for (;;) {
    const asked = clock()
    const now = await deps.look()
    const lost = past.judge(now, { reached: consumer.reached(), proved: proof.given() })
    if (lost === undefined) proof.expect(asked, endOf(now.info))
    else {
      attempt.end(lost)
      deps.onLost()
    }
    await attempt.pause(Math.max(0, lookEveryMs - (clock().monotonicMs - asked.monotonicMs)))
  }
}

/** Whether the stream goes on from a position; not where it cannot be told, as by its permissions. */
async function goesOn(deps: {
  readonly attempt: Attempt
  readonly jsm: JetStreamManager
  readonly position: Position | undefined
  readonly stream: string
  readonly first: StreamLook
}): Promise<boolean> {
  const { attempt, first, jsm, position, stream } = deps
  if (position === undefined) return false
  const read = (seq: number) => jsm.streams.getMessage(stream, { seq })
  const judged = continues(position, first.info, read).catch(() => false)
  return attempt.within(judged, answerMs, 'reading a message')
}
