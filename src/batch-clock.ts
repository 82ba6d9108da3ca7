import type { Instant } from './domain/instant.ts'
import type { BatchClock } from './ports/clock.ts'

/**
 * Makes a clock of batches. By the turn of the event loop would be too long: after a pause libuv reads up to
 * 2 MB of each connection in one, and the last check of those would be judged by the time of the first.
 */
export function createBatchClock(): BatchClock {
  let isStill = false
  let at: Instant | undefined
  const read = (): Instant => ({ monotonicMs: performance.now(), wallMs: Date.now() })
  return {
    now: () => (isStill ? (at ??= read()) : read()),
    begin() {
      isStill = true
      at = undefined
    },
    end() {
      isStill = false
      at = undefined
    },
  }
}
