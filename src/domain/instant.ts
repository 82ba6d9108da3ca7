/** A moment by both clocks of the process, in ms. */
export interface Instant {
  /** Only ever goes forward; stands still while the machine sleeps. */
  readonly monotonicMs: number
  /** Unix time; can be set, forward and back. */
  readonly wallMs: number
}

/** How long ago a moment was, in ms: by the clock that says longer ago. */
export function ageMs(then: Instant, now: Instant): number {
  return Math.max(now.monotonicMs - then.monotonicMs, now.wallMs - then.wallMs)
}

/** The moment so many ms before another. */
export function before(instant: Instant, ms: number): Instant {
  return { monotonicMs: instant.monotonicMs - ms, wallMs: instant.wallMs - ms }
}
