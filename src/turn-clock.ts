import type { Instant } from './domain/instant.ts'
import type { Clock } from './ports/clock.ts'

/**
 * A clock that stands still for a turn of the event loop: it reads both clocks once for all checks that
 * were read together. It goes on before the next turn's are read (`setImmediate` comes after the poll
 * phase), but not while a process is stopped in the middle of a turn: what is decided by it must be
 * held against a clock that goes on (`observeCheck`).
 */
export function createTurnClock(): Clock {
  let now: Instant | undefined
  const end = (): void => {
    now = undefined
  }
  return () => {
    if (now === undefined) {
      now = { monotonicMs: performance.now(), wallMs: Date.now() }
      setImmediate(end)
    }
    return now
  }
}
