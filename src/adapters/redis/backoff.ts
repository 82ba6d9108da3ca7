/** Says how long to wait before the next attempt, in ms. */
export type Backoff = () => number

/** What a back-off rests on. */
export interface BackoffDeps {
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
  /** 0 to 1: many processes lose one server at the same time, and must not come back in step. */
  readonly random: () => number
}

const firstMs = 20
const longestMs = 1_000
/** After so long without an attempt the trouble is another one. Longer than attempts are apart. */
const calmMs = 5_000

/**
 * Doubles from 20 ms to 1 s, half of it by chance. It starts again only after calm, not after a
 * success: what works for a moment over and over is not tried ever faster.
 */
export function createBackoff({ monotonicNow, random }: BackoffDeps): Backoff {
  let nextMs = firstMs
  let triedAtMs = -Infinity
  return () => {
    const now = monotonicNow()
    if (now - triedAtMs > calmMs) nextMs = firstMs
    triedAtMs = now
    const waitMs = nextMs * (0.5 + random() / 2)
    nextMs = Math.min(longestMs, nextMs * 2)
    return waitMs
  }
}
