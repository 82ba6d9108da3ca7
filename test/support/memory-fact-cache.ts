import { cacheKey, keptPair } from '../../src/adapters/redis/cache-key.ts'
import { entryOf } from '../../src/adapters/redis/entry.ts'
import { createSeal } from '../../src/adapters/redis/seal.ts'
import type { Pair } from '../../src/domain/fact.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { createHmacSha256 } from '../../src/hmac-sha256.ts'
import type { FactCache } from '../../src/ports/fact-cache.ts'

export interface MemoryEntry {
  readonly text: string
  /** Unix time, in ms. */
  readonly expiresAtMs: number
}

/** `failing`: it says that it is available, and every look-up and write fails. */
export type MemoryFactCacheState = 'up' | 'failing' | 'down'

/** A FactCache that holds what Redis would, to be looked at and forged. */
export interface MemoryFactCache extends FactCache {
  /** By Redis key, as `perm:u1:org-a`; several caches may share them. */
  readonly entries: Map<string, MemoryEntry>
  /** What was called, in order, as `get perm:u1:org-a`. */
  readonly calls: string[]
  readonly faults: unknown[]
  readonly set: (state: MemoryFactCacheState) => void
}

export interface MemoryFactCacheOptions {
  readonly policy: Policy
  readonly secrets?: readonly string[]
  readonly cacheTtlMs?: number
  /** Unix time, in ms. */
  readonly now?: () => number
  readonly entries?: Map<string, MemoryEntry>
}

export const cacheSecret = 'a secret of the cache, 32 characters or more'

export function createMemoryFactCache(options: MemoryFactCacheOptions): MemoryFactCache {
  const { cacheTtlMs = 300_000, entries = new Map<string, MemoryEntry>(), policy } = options
  const { now = () => Date.now(), secrets = [cacheSecret] } = options
  const seal = createSeal(secrets, createHmacSha256)
  const calls: string[] = []
  const faults: unknown[] = []
  let state: MemoryFactCacheState = 'up'

  /** Whether a write gets through. */
  function works(call: string): boolean {
    calls.push(call)
    if (state !== 'up') faults.push(new Error(`${state}: ${call}`))
    return state === 'up'
  }
  const keyOf = (pair: Pair): string | undefined => {
    const kept = keptPair(pair)
    return kept && cacheKey(kept)
  }

  return {
    entries,
    calls,
    faults,
    set: (next) => void (state = next),
    available: () => state !== 'down',
    async get(pair, signal) {
      const kept = keptPair(pair)
      if (kept === undefined || signal?.aborted === true || state === 'down') return undefined
      if (!works(`get ${cacheKey(kept)}`)) return undefined
      const entry = entries.get(cacheKey(kept))
      if (entry === undefined || entry.expiresAtMs <= now()) return undefined
      return seal.open(kept, Buffer.from(entry.text))
    },
    put(pair, fact) {
      const entry = entryOf(pair, fact, { seal, policy, cacheTtlMs, nowMs: now() })
      if (entry === undefined || state === 'down' || !works(`put ${entry.key}`)) return
      entries.set(entry.key, entry)
    },
    drop(pairs) {
      for (const pair of pairs) {
        const key = keyOf(pair)
        if (key !== undefined && works(`drop ${key}`)) entries.delete(key)
      }
    },
  }
}
