import type { EndSignal } from '../ports/end-signal.ts'

/** By when a decision has to be made. */
export interface Deadline {
  /**
   * Whether it has passed, by the clock: timers of a process that stood still fire late. `nowMs`: the
   * monotonic clock, where it was just read.
   */
  readonly isLate: (nowMs?: number) => boolean
  /** Time until it passes, in ms; 0: it has. */
  readonly leftMs: () => number
  /** The id of the refusal that the caller got, where it could not wait for the decision. */
  readonly answeredAs?: () => string | undefined
  /** Aborts when it passes. Made when first asked for: a decision that never waits needs none. */
  readonly signal: () => EndSignal
}
