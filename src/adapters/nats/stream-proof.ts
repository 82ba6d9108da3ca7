import type { Instant } from '../../domain/instant.ts'
import type { Position } from './stream-history.ts'

/** Tells up to when all changes have been handed over. */
export interface StreamProof {
  /** At `asked` the stream's leader was asked for its end, and that was it. */
  readonly expect: (asked: Instant, end: Position) => void
  /** To be called when more has been handed over. */
  readonly settle: () => void
  /** Whether anything has been proved. */
  readonly given: () => boolean
}

const maxExpected = 16

/**
 * Proves a moment from the end of the stream then. A heartbeat bears no time and may have waited on
 * its way, in another server or in a socket while this process stood still; and a ping is answered by
 * the server we are connected to, which need not lead the stream. So the leader is asked: what was
 * acknowledged to a publisher before the question is at or before the end it answers with, and once
 * the consumer has handed over all up to there, so is all that was published before the question.
 */
export function createStreamProof(deps: {
  /** Up to which sequence all has been handed over. */
  readonly reached: () => number
  readonly onProved: (at: Instant, end: Position) => void
}): StreamProof {
  const expected: { readonly asked: Instant; readonly end: Position }[] = []
  let given = false

  function settle(): void {
    let newest: (typeof expected)[number] | undefined
    while (expected[0] !== undefined && expected[0].end.sequence <= deps.reached()) {
      newest = expected.shift()
    }
    if (newest === undefined) return
    given = true
    deps.onProved(newest.asked, newest.end)
  }

  return {
    settle,
    given: () => given,
    expect(asked, end) {
      // During a long replay the oldest would be too old to be of use.
      if (expected.length === maxExpected) expected.shift()
      expected.push({ asked, end })
      settle()
    },
  }
}
