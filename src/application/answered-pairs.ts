import { pairKey, type Pair } from '../domain/fact.ts'
import { rememberedMs } from '../domain/freshness.ts'
import type { Instant } from '../domain/instant.ts'

/**
 * The pairs that PostgreSQL answered for in the last 15 min or more: a claim must not open again what was
 * once looked up. Bounded; while it had to leave one out, it says yes to every pair.
 */
export interface AnsweredPairs {
  readonly note: (pair: Pair, now: Instant) => void
  readonly has: (pair: Pair, now: Instant) => boolean
  readonly size: () => number
}

/** Makes an empty memory of so many pairs, each kept for `keepMs`. */
export function createAnsweredPairs(maxEntries: number, keepMs = rememberedMs): AnsweredPairs {
  /** Monotonic ms of the last answer, the oldest first. */
  const answeredMs = new Map<string, number>()
  let fullUntilMs = -Infinity

  function forgetOld(nowMs: number): void {
    for (const [key, atMs] of answeredMs) {
      if (nowMs - atMs <= keepMs) return
      answeredMs.delete(key)
    }
  }

  return {
    note(pair, { monotonicMs }) {
      forgetOld(monotonicMs)
      const key = pairKey(pair)
      if (!answeredMs.delete(key) && answeredMs.size >= maxEntries) {
        fullUntilMs = monotonicMs + keepMs
        return
      }
      answeredMs.set(key, monotonicMs)
    },
    has(pair, { monotonicMs }) {
      if (monotonicMs <= fullUntilMs) return true
      const atMs = answeredMs.get(pairKey(pair))
      return atMs !== undefined && monotonicMs - atMs <= keepMs
    },
    size: () => answeredMs.size,
  }
}
