import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { startValkey, type ValkeyServer } from '../../../src/adapters/servers/valkey.ts'
import { factOf } from '../../support/builders.ts'
import { during, timed } from '../../support/eventually.ts'
import { until } from '../../support/poll.ts'
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts'
import {
  openPlainClient,
  startFactCache,
  untilAvailable,
  type TestedCache,
} from './open-fact-cache.ts'

const pair = { user: 'u1', organization: 'org-a' }
const key = 'perm:u1:org-a'
const never = new AbortController().signal
const timeoutMs = 100
/** The machine is shared: a timer may be late by this much. */
const slackMs = 150

let server: ValkeyServer
let proxy: TcpProxy
const started: TestedCache[] = []

beforeAll(async () => {
  server = await startValkey({ binaries: await ensureWheels() })
  proxy = await startTcpProxy(server.url)
})
afterEach(async () => {
  for (const cache of started.splice(0)) await cache.close()
})
afterAll(async () => {
  await proxy.close()
  await server.close()
})

function start(url: string): TestedCache {
  const cache = startFactCache(url, { timeoutMs })
  started.push(cache)
  return cache
}

/** A cache that holds the fact of the pair. */
async function startWithFact(url: string): Promise<TestedCache> {
  const cache = start(url)
  await untilAvailable(cache)
  await untilGiven(cache)
  return cache
}

async function untilGiven(cache: TestedCache): Promise<void> {
  await until(
    () => {
      cache.put(pair, factOf(['staff'], { verifiedAtMs: Date.now() }))
      return cache.get(pair, never)
    },
    { what: 'a fact is put and given' },
  )
}

/** Whatever is asked is answered at once, with nothing. */
async function expectNoWait(cache: TestedCache, ms: number): Promise<void> {
  await during(ms, async () => {
    expect(cache.available()).toBe(false)
    const { ms, value } = await timed(cache.get(pair, never))
    expect(value).toBeUndefined()
    expect(ms).toBeLessThan(20)
    cache.put(pair, factOf(['staff'], { verifiedAtMs: Date.now() }))
    cache.drop([pair])
  })
}

describe('a server that is not there', () => {
  it('keeps nobody waiting, and is found once it comes', async () => {
    await server.stop()
    const cache = start(server.url)
    await expectNoWait(cache, 300)
    expect(cache.dropped.drop).toBeGreaterThan(0)
    expect(cache.faults.map(String).join('\n')).toMatch(/ECONNREFUSED/)
    await server.start()
    await untilGiven(cache)
    expect(cache.states).toEqual([true])
  })

  it('that goes and comes back is used again without a restart of ours', async () => {
    const cache = await startWithFact(server.url)
    for (let round = 1; round <= 2; round += 1) {
      await server.stop()
      await until(() => !cache.available(), { what: 'the loss is seen', withinMs: 500 })
      await expectNoWait(cache, 300)
      await server.start()
      await untilGiven(cache)
    }
    expect(cache.states).toEqual([true, false, true, false, true])
  })
})

describe.each<[string, () => string, () => void, () => void]>([
  ['that is frozen', () => server.url, () => server.pause(), () => server.resume()],
  ['of which packets vanish', () => proxy.url, () => proxy.swallow(), () => proxy.heal()],
])('a server %s', (_title, url, vanish, comeBack) => {
  it('costs those who ask together one time-out, and who comes later nothing', async () => {
    const cache = await startWithFact(url())
    vanish()
    try {
      const asked = Array.from({ length: 20 }, () => timed(cache.get(pair, never)))
      for (const { ms, value } of await Promise.all(asked)) {
        expect(value).toBeUndefined()
        expect(ms).toBeGreaterThanOrEqual(timeoutMs - 2)
        expect(ms).toBeLessThan(timeoutMs + slackMs)
      }
      await expectNoWait(cache, 2_500) // long enough to give the connection up and try others
    } finally {
      comeBack()
    }
    await untilGiven(cache)
    expect(cache.faults.map(String).join('\n')).toMatch(/does not answer: connecting anew/)
  })

  it('is noticed before anybody asks', async () => {
    const cache = await startWithFact(url())
    vanish()
    try {
      await until(() => !cache.available(), {
        what: 'it is noticed',
        withinMs: 1_000 + timeoutMs + slackMs,
      })
    } finally {
      comeBack()
    }
    await untilGiven(cache)
  })

  it('does not hold up who leaves sooner, and is noticed all the same', async () => {
    const cache = await startWithFact(url())
    vanish()
    try {
      const { ms, value } = await timed(cache.get(pair, AbortSignal.timeout(20)))
      expect(value).toBeUndefined()
      expect(ms).toBeLessThan(timeoutMs)
      await until(() => !cache.available(), {
        what: 'it is noticed',
        withinMs: timeoutMs + slackMs,
      })
    } finally {
      comeBack()
    }
  })

  it('lets the cache be closed', async () => {
    const cache = await startWithFact(url())
    vanish()
    try {
      const asked = cache.get(pair, never)
      const { ms } = await timed(cache.close())
      expect(ms).toBeLessThan(200 + slackMs)
      expect(await asked).toBeUndefined()
      expect(cache.available()).toBe(false)
    } finally {
      comeBack()
    }
  })
})

describe('while answers do not come', () => {
  it('writes are bounded, counted and reported, and the memory of them is given back', async () => {
    const cache = await startWithFact(server.url)
    server.pause()
    try {
      const pairs = Array.from({ length: 10_300 }, (_, index) => ({ ...pair, user: `w${index}` }))
      for (const each of pairs.slice(0, 1_200)) {
        cache.put(each, factOf(['staff'], { verifiedAtMs: Date.now() }))
      }
      cache.drop(pairs.slice(0, 9_000))
      cache.drop(pairs.slice(9_000))
      expect(cache.dropped).toEqual({ put: 200, drop: 300 })
      expect(cache.faults.map(String)).toContain('Error: Redis: 300 writes (drop) were not sent')
    } finally {
      server.resume()
    }
    await untilGiven(cache)
    const before = { ...cache.dropped }
    for (let index = 0; index < 900; index += 1) {
      cache.put({ ...pair, user: `x${index}` }, factOf(['staff'], { verifiedAtMs: Date.now() }))
    }
    expect(cache.dropped).toEqual(before)
  })

  it('what was sent on a connection that is given up does not undo what is sent after it', async () => {
    const plain = openPlainClient(server.url)
    const cache = await startWithFact(proxy.url)
    proxy.swallow()
    const lost = { ...pair, user: 'lost' }
    cache.put(lost, factOf(['staff'], { verifiedAtMs: Date.now() }))
    await until(() => !cache.available(), { what: 'it is noticed' })
    proxy.heal()
    await untilAvailable(cache)
    cache.drop([lost])
    await untilGiven(cache)
    await during(300, async () => expect(await plain.exists('perm:lost:org-a')).toBe(0))
    expect(await plain.exists(key)).toBe(1)
    await plain.quit()
  })
})

describe('a cache that is closed', () => {
  it('has sent what it was told before, and says nothing any more', async () => {
    const plain = openPlainClient(server.url)
    const cache = await startWithFact(server.url)
    const last = { ...pair, user: 'last' }
    cache.put(last, factOf(['staff'], { verifiedAtMs: Date.now() }))
    cache.drop([pair])
    await cache.close()
    await cache.close()
    expect([await plain.exists(key), await plain.exists('perm:last:org-a')]).toEqual([0, 1])
    cache.faults.length = 0
    cache.put(pair, factOf(['staff'], { verifiedAtMs: Date.now() }))
    cache.drop([last])
    expect(await cache.get(last, never)).toBeUndefined()
    expect([await plain.exists(key), await plain.exists('perm:last:org-a')]).toEqual([0, 1])
    expect(cache.states).toEqual([true, false])
    await plain.quit()
  })

  it('leaves no connection, whenever it is closed', async () => {
    const opened = proxy.open()
    for (const wait of [0, 1, 2, 3, 5, 8, 13]) {
      const cache = start(proxy.url)
      await new Promise((resolve) => setTimeout(resolve, wait))
      await cache.close()
    }
    await until(() => proxy.open() <= opened, { what: 'all are closed', withinMs: 1_000 })
  })
})
