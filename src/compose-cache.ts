import type { FactsComposition } from './facts-composition.ts'
import { createHmacSha256 } from './hmac-sha256.ts'
import type { FactCache } from './ports/fact-cache.ts'

/** Share of the deadline after which the shared cache is given up and PostgreSQL asked. */
const cacheShare = 0.15

/** The shared cache: as good as none until it is connected. */
export function composeCache(composition: FactsComposition): {
  readonly cache: FactCache
  readonly connect: () => Promise<void>
} {
  const { closers, config, log, metrics, onFault, policy, readiness } = composition
  const { redisUrl } = config
  if (redisUrl === undefined) return { cache: noCache, connect: () => Promise.resolve() }
  readiness.set('redis', { status: 'down', detail: 'not connected yet' })
  let cache = noCache
  return {
    cache: {
      available: () => cache.available(),
      get: (pair, signal) => cache.get(pair, signal),
      put: (pair, fact) => cache.put(pair, fact),
      drop: (pairs) => cache.drop(pairs),
    },
    async connect() {
      const { createRedisFactCache } = await import('./adapters/redis/fact-cache.ts')
      const connected = createRedisFactCache({
        url: redisUrl,
        secrets: config.cacheKey === undefined ? config.secrets : [config.cacheKey],
        createAuthenticate: createHmacSha256,
        cacheTtlMs: config.cacheTtlMs,
        timeoutMs: config.deadlineMs * cacheShare,
        policy,
        now: Date.now,
        onFault: onFault('redis'),
        onDropped: metrics.cacheDropped,
        onState(available) {
          metrics.cacheAvailable(available)
          readiness.set('redis', available ? { status: 'ok' } : { status: 'down' })
          const said = available ? 'Redis answers' : 'Redis does not answer'
          log[available ? 'info' : 'warn']({}, said)
        },
      })
      closers.push(connected.close)
      cache = connected
    },
  }
}

const noCache: FactCache = {
  available: () => false,
  get: () => Promise.resolve(undefined),
  put: () => undefined,
  drop: () => undefined,
}
