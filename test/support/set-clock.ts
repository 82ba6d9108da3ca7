import type { Instant } from '../../src/domain/instant.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { nowMs } from './builders.ts'

/** Both clocks of a process, which move only as a test tells. */
export interface SetClock {
  readonly clock: Clock
  /** Time passes. */
  readonly pass: (ms: number) => void
  /** The wall clock is set forward, or back. */
  readonly jump: (ms: number) => void
  /** The machine sleeps: its monotonic clock stands still. */
  readonly sleep: (ms: number) => void
  /** The moment that was or will be so many ms from now. */
  readonly at: (ms: number) => Instant
}

/** Makes clocks that stand at the time of the builders. */
export function createSetClock(): SetClock {
  let monotonicMs = 1_000_000
  let wallMs = nowMs
  const jump = (ms: number): void => void (wallMs += ms)
  return {
    clock: () => ({ monotonicMs, wallMs }),
    pass(ms) {
      monotonicMs += ms
      wallMs += ms
    },
    jump,
    sleep: jump,
    at: (ms) => ({ monotonicMs: monotonicMs + ms, wallMs: wallMs + ms }),
  }
}
