import type { Instant } from '../domain/instant.ts'

/** Both clocks of the process, read together. */
export type Clock = () => Instant

/**
 * A clock that stands still while a batch of checks is decided, so that it is read once for all of them, and
 * goes on at all other times. It stands still too where the process is stopped in the middle of a batch: what
 * is decided by it must be held against a clock that goes on (`observeCheck`).
 */
export interface BatchClock {
  readonly now: Clock
  readonly begin: () => void
  readonly end: () => void
}
