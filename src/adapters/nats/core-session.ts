import type { Clock } from '../../ports/clock.ts'
import { answerMs, type Session } from './session.ts'

const pingEveryMs = 2_000

/**
 * Core NATS: what is published while nobody listens is gone, so each session begins anew.
 *
 * The proof is the server's order. It handles what a connection sends in order and answers in order:
 * the PONG comes after every message that it took before it read the PING. The library parses its
 * input in order too and calls callbacks (not iterators) while it does, so by the time that `flush`
 * resolves, all that came before the PONG has been handed over.
 *
 * The first PONG proves only that this server knows of the subscriptions: the others of a cluster
 * hear of them later, and until then keep what is published there to themselves. So the feed begins
 * with the second, two seconds on.
 */
export function createCoreSession(options: {
  readonly subjects: readonly string[]
  readonly prefix: string
  readonly clock: Clock
}): Session {
  const { clock, prefix, subjects } = options
  return async (attempt, nats, told) => {
    for (const subject of subjects) {
      nats.subscribe(subject, {
        callback(refusal, message) {
          // A refused subscription hears nothing although pings are answered.
          if (refusal !== null) attempt.end(`${subject} was refused: ${refusal.message}`)
          else told.message(message.subject.slice(prefix.length), message.data)
        },
      })
    }
    for (let answered = 1; ; answered += 1) {
      const sent = clock()
      await attempt.within(nats.flush(), answerMs, 'ping')
      if (answered === 2) told.began(clock().wallMs)
      if (answered >= 2) told.proved(sent)
      await attempt.pause(Math.max(0, pingEveryMs - (clock().monotonicMs - sent.monotonicMs)))
    }
  }
}
