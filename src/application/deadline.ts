/** By when a decision has to be made. */
export interface Deadline {
  /** Whether it has passed, by the clock: timers of a process that stood still fire late. */
  readonly isLate: () => boolean
  /** Aborts when it passes. Made when first asked for: a decision that never waits needs none. */
  readonly signal: () => AbortSignal
}
