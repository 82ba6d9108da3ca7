import { afterAll, beforeAll, describe } from 'vitest'
import type { Redis } from 'ioredis'
import { factCacheContract } from '../../contract/fact-cache.contract.ts'
import { servers } from '../../support/servers.ts'
import { openPlainClient, startFactCache, untilAvailable } from './open-fact-cache.ts'

describe('Redis', () => {
  let plain: Redis
  beforeAll(() => {
    plain = openPlainClient(servers().redisUrl)
  })
  afterAll(() => plain.quit())

  factCacheContract(async (settings) => {
    const cache = startFactCache(servers().redisUrl, settings)
    await untilAvailable(cache)
    return {
      cache,
      faults: cache.faults,
      async raw(key) {
        const [text, leftMs] = await Promise.all([plain.get(key), plain.pttl(key)])
        return text === null ? null : { text, leftMs: leftMs === -1 ? Infinity : leftMs }
      },
      write: async (key, text) => {
        await plain.set(key, text)
      },
      close: cache.close,
    }
  })
})
