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

/** Pairs of the earlier map that are looked after whenever one is noted. */
const lookedAfter = 2

/** Makes an empty memory of so many pairs, each kept for `keepMs`. */
export function createAnsweredPairs(maxEntries: number, keepMs = rememberedMs): AnsweredPairs {
  /**
   * Monotonic ms of the last answer, rounded up. A pair that is read again and again keeps its place in `recent`,
   * which is cheaper than to put it last. What was noted before `recent` began is in `earlier`, and is gone
   * through bit by bit; once `recent` is older than `keepMs`, nothing there counts any more.
   */
  let recent = new Map<string, number>()
  let earlier = new Map<string, number>()
  /** Goes on where it was: what was deleted from the front of a map is passed by each who begins there. */
  let round = earlier.entries()
  let beganMs = -Infinity
  let fullUntilMs = -Infinity

  function forgetOld(nowMs: number): void {
    if (nowMs - beganMs > keepMs) {
      earlier = recent
      recent = new Map()
      round = earlier.entries()
      beganMs = nowMs
    }
    for (let looked = 0; looked < lookedAfter; looked += 1) {
      const { done, value } = round.next()
      if (done === true) {
        round = earlier.entries()
        return
      }
      const [key, atMs] = value
      if (nowMs - atMs > keepMs) earlier.delete(key)
    }
  }

  return {
    note(pair, { monotonicMs }) {
      forgetOld(monotonicMs)
      const key = pairKey(pair)
      const isNew = !recent.has(key) && !earlier.delete(key)
      if (isNew && recent.size + earlier.size >= maxEntries) {
        fullUntilMs = monotonicMs + keepMs
        return
      }
      // A whole number needs no object of its own; rounded up, it counts no shorter than it has to.
      recent.set(key, Math.ceil(monotonicMs))
    },
    has(pair, { monotonicMs }) {
      if (monotonicMs <= fullUntilMs) return true
      const key = pairKey(pair)
      const atMs = recent.get(key) ?? earlier.get(key)
      return atMs !== undefined && monotonicMs - atMs <= keepMs
    },
    size: () => recent.size + earlier.size,
  }
}
