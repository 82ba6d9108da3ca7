import { Redis } from 'ioredis'
import {
  createRedisFactCache,
  type RedisFactCache,
  type RedisFactCacheDeps,
} from '../../../src/adapters/redis/fact-cache.ts'
import { createHmacSha256 } from '../../../src/hmac-sha256.ts'
import { cachedPolicy } from '../../contract/fact-cache.contract.ts'
import { until } from '../../support/poll.ts'
import { cacheSecret } from '../../support/memory-fact-cache.ts'

/** A cache under test and what it reported. */
export interface TestedCache extends RedisFactCache {
  readonly faults: unknown[]
  readonly states: boolean[]
  readonly dropped: { put: number; drop: number }
}

/** A patient cache: two cores are shared with everything else, and no answer may be late by chance. */
export function startFactCache(url: string, deps: Partial<RedisFactCacheDeps> = {}): TestedCache {
  const faults: unknown[] = []
  const states: boolean[] = []
  const dropped = { put: 0, drop: 0 }
  const cache = createRedisFactCache({
    url,
    secrets: [cacheSecret],
    createAuthenticate: createHmacSha256,
    cacheTtlMs: 300_000,
    timeoutMs: 2_000,
    policy: () => cachedPolicy,
    now: () => Date.now(),
    onFault: (cause) => faults.push(cause),
    onDropped: (kind, count) => void (dropped[kind] += count),
    onState: (available) => states.push(available),
    ...deps,
  })
  return { ...cache, faults, states, dropped }
}

export const untilAvailable = ({ available }: Pick<RedisFactCache, 'available'>) =>
  until(available, { what: 'the cache is available' })

/** A plain client, as another service has it. */
export const openPlainClient = (url: string) => new Redis(url, { lazyConnect: false })
