import type { DecisionRecord } from '../domain/record.ts'
import type { DecisionLog } from '../ports/decision-log.ts'

/** Decisions that wait at most: a turn that makes more logs them in between. */
const maxWaiting = 1_000

/**
 * A log whose lines are made after the answers are on their way: what is decided in a turn is handed on
 * at its end, in order, and before a policy or the end of the log. It takes every decision, so it is not
 * for a log that is required.
 */
export function deferDecisions<Log extends DecisionLog>(
  log: Log,
  defer: (task: () => void) => void,
): Log {
  /** Used again and again: a list for each turn would cost more than what is in it. */
  const waiting: (DecisionRecord | undefined)[] = []
  let count = 0
  let isDue = false

  function flush(): void {
    const end = count
    count = 0
    for (let at = 0; at < end; at += 1) {
      const record = waiting[at]
      waiting[at] = undefined
      if (record !== undefined) log.decision(record)
    }
  }

  function flushDue(): void {
    isDue = false
    flush()
  }

  return {
    ...log,
    decision(record) {
      if (count === maxWaiting) flush()
      waiting[count] = record
      count += 1
      if (!isDue) {
        isDue = true
        defer(flushDue)
      }
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
  }
}
