import type { DecisionRecord } from '../domain/record.ts'
import type { DecisionLog } from '../ports/decision-log.ts'

/** Decisions that wait at most: a turn that makes more logs them in between. */
const maxWaiting = 1_000
/** With so many nothing is gained by waiting for more. */
const enough = 32
/** How long the first of them waits for others, in ms. */
const lingerMs = 10

/** When tasks are done that nobody waits for. */
export interface Defer {
  /** At the end of this turn, when answers are on their way. */
  readonly afterTurn: (task: () => void) => void
  readonly after: (task: () => void, ms: number) => void
}

/** A log that is told of decisions later. */
export interface DeferredLog<Log extends DecisionLog> {
  readonly log: Log
  /** Tells it of all that wait: for whoever looks at what it was told. */
  readonly flush: () => void
}

/**
 * A log whose lines are made after the answers are on their way, a number of them together: one after the other
 * they cost half of what each costs by itself between two checks. They are handed on in order, and before
 * a policy or the end of the log. It takes every decision, so it is not for a log that is required.
 */
export function deferDecisions<Log extends DecisionLog>(
  log: Log,
  { after, afterTurn }: Defer,
): DeferredLog<Log> {
  /** Used again and again: a list for each turn would cost more than what is in it. */
  const waiting: (DecisionRecord | undefined)[] = []
  let count = 0
  const due = { turn: false, time: false }

  function flush(): void {
    const end = count
    count = 0
    for (let at = 0; at < end; at += 1) {
      const record = waiting[at]
      waiting[at] = undefined
      if (record !== undefined) log.decision(record)
    }
  }

  function atTime(): void {
    due.time = false
    flush()
  }

  function atEndOfTurn(): void {
    due.turn = false
    flush()
  }

  function ask(): void {
    if (!due.time) {
      due.time = true
      after(atTime, lingerMs)
    }
    if (count >= enough && !due.turn) {
      due.turn = true
      afterTurn(atEndOfTurn)
    }
  }

  return {
    flush,
    log: {
      ...log,
      decision(record) {
        if (count === maxWaiting) flush()
        waiting[count] = record
        count += 1
        ask()
        return true
      },
      policy(version, definition) {
        flush()
        log.policy(version, definition)
      },
      close() {
        flush()
        return log.close()
      },
    },
  }
}
