import type { Fact, Pair } from '../domain/fact.ts'

/**
 * The cache that processes and other services share: Redis. Nothing in it is trusted but what this
 * service sealed, and nothing of it is needed: whatever fails is a miss.
 */
export interface FactCache {
  /**
   * Whether a look-up is worth its time: false while the cache is known to be out of reach, so that
   * an outage costs a request nothing.
   */
  readonly available: () => boolean
  /**
   * The fact that an entry with a valid seal holds, with source `redis`; undefined for everything
   * else: no entry, no seal, an id that is not kept there, no answer in time, whatever the signal
   * says. Never rejects. Whether what it says may be believed is the caller's to judge, by
   * `verifiedAtMs`.
   */
  readonly get: (pair: Pair, signal?: AbortSignal) => Promise<Fact | undefined>
  /**
   * Writes an entry that expires at the fact's `verifiedAtMs` + `CACHE_TTL`. Never waits, never
   * throws; dropped where too much is under way or the cache is out of reach.
   */
  readonly put: (pair: Pair, fact: Fact) => void
  /** Deletes entries. Never waits, never throws; what cannot be deleted is told to `onFault`. */
  readonly drop: (pairs: readonly Pair[]) => void
}
