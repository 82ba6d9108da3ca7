import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type AddressInfo } from 'node:net'
import tls from 'node:tls'
import type { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { startValkey } from '../../../src/adapters/servers/valkey.ts'
import type { Pair } from '../../../src/domain/fact.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { factOf } from '../../support/builders.ts'
import { createAuthority } from '../../support/certificates.ts'
import { during } from '../../support/eventually.ts'
import { testFolder } from '../../support/folder.ts'
import { until } from '../../support/poll.ts'
import { servers, uniqueName } from '../../support/servers.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import {
  openPlainClient,
  startFactCache,
  untilAvailable,
  type TestedCache,
} from './open-fact-cache.ts'

const binaries = await ensureWheels()
const never = new AbortController().signal
const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function startServer(...args: readonly string[]) {
  const server = await startValkey({ binaries, args })
  closers.push(server.close)
  return server
}

function start(url: string): TestedCache {
  const cache = startFactCache(url)
  closers.push(cache.close)
  return cache
}

function plainClient(url: string): Redis {
  const plain = openPlainClient(url)
  closers.push(() => plain.quit())
  return plain
}

const newPair = () => ({ user: uniqueName('u'), organization: 'org-a' })
const fresh = () => factOf(['staff'], { verifiedAtMs: Date.now() })
const told = (cache: TestedCache) => cache.faults.map(String).join('\n')

/** Facts go in, come out, asked for alone and together, and are dropped. */
async function expectWorks(cache: TestedCache): Promise<void> {
  await untilAvailable(cache)
  for (let count = 0; count < 20; count += 1) {
    const pair = newPair()
    cache.put(pair, fresh())
    expect(await cache.get(pair, never)).toMatchObject({ rows: [['staff']] })
    cache.drop([pair, newPair(), newPair()])
    expect(await cache.get(pair, never)).toBeUndefined()
    await expectTogether(cache)
  }
}

async function expectTogether(cache: TestedCache): Promise<void> {
  const pairs = Array.from({ length: 5 }, (_, index) => ({ ...newPair(), role: `role${index}` }))
  for (const { role, ...pair } of pairs) cache.put(pair, { ...fresh(), rows: [[role]] })
  const get = (pair: Pair) => cache.get(pair, never)
  const facts = await Promise.all([...pairs, newPair()].map(get))
  const roles = facts.map((fact) => fact?.rows)
  expect(roles).toEqual([...pairs.map(({ role }) => [[role]]), undefined])
  cache.drop(pairs)
  expect(await Promise.all(pairs.map(get))).toEqual(pairs.map(() => undefined))
}

/** It works without a fault. */
async function expectWorksWell(cache: TestedCache): Promise<void> {
  await expectWorks(cache)
  expect(told(cache)).toBe('')
}

describe('a server in trouble', () => {
  it('holds something else under the key: a miss, until it is dropped', async () => {
    const { redisUrl } = servers()
    const [cache, plain, pair] = [start(redisUrl), plainClient(redisUrl), newPair()]
    await untilAvailable(cache)
    await plain.lpush(`perm:${pair.user}:org-a`, '["leave:read"]')
    expect(await cache.get(pair, never)).toBeUndefined()
    expect(told(cache)).toMatch(/WRONGTYPE/)
    cache.drop([pair])
    cache.put(pair, fresh())
    expect(await cache.get(pair, never)).toBeDefined()
  })

  it('has no memory left: nothing is kept, and it is told', async () => {
    const { url } = await startServer('--maxmemory-policy', 'noeviction')
    await plainClient(url).config('SET', 'maxmemory', 1)
    const [cache, pair] = [start(url), newPair()]
    await untilAvailable(cache)
    cache.put(pair, fresh())
    expect(await cache.get(pair, never)).toBeUndefined()
    expect(told(cache)).toMatch(/OOM/)
    expect(told(cache)).not.toMatch(/tg1/)
    expect(cache.available()).toBe(true)
  })

  it('is a replica: it is looked for elsewhere, not more often than is good', async () => {
    const master = await startServer()
    const { port } = new URL(master.url)
    const replica = await startServer('--replicaof', `127.0.0.1 ${port}`)
    const proxy = await startTcpProxy(replica.url)
    closers.push(proxy.close)
    const cache = start(proxy.url)
    await during(1_500, () => {
      cache.put(newPair(), fresh())
      cache.drop([newPair()])
    })
    expect(told(cache)).toMatch(/READONLY/)
    expect(told(cache)).toMatch(/it is a replica: connecting anew/)
    expect(proxy.opened()).toBeGreaterThan(1)
    expect(proxy.opened()).toBeLessThan(12)
    await plainClient(replica.url).replicaof('NO', 'ONE') // a failover
    await until(
      async () => {
        const pair = newPair()
        cache.put(pair, fresh())
        return cache.get(pair, never)
      },
      { what: 'it is used as the master that it is now' },
    )
  })
})

describe('one node of a cluster', () => {
  it('that has every slot is used: each command has one key', async () => {
    const { url } = await startServer('--cluster-enabled', 'yes')
    const plain = plainClient(url)
    await plain.cluster('ADDSLOTSRANGE', 0, 16_383)
    await until(async () => (await plain.cluster('INFO')).includes('cluster_state:ok'), {
      what: 'the cluster is up',
    })
    const cache = start(url)
    await expectWorks(cache)
    expect(told(cache)).toMatch(/^Error: Redis: CROSSSLOT .*: entries are asked for one by one$/)
  })

  it('that has no slot gives misses', async () => {
    const { url } = await startServer('--cluster-enabled', 'yes')
    const cache = start(url)
    await untilAvailable(cache)
    cache.put(newPair(), fresh())
    cache.drop([newPair()])
    expect(await cache.get(newPair(), never)).toBeUndefined()
    expect(told(cache)).toMatch(/CLUSTERDOWN/)
  })
})

describe('whom the URL names', () => {
  const secret = 'p@ss/word:1'
  const withPassword = (url: string, password: string, user = '') =>
    url.replace('redis://', `redis://${user}:${encodeURIComponent(password)}@`)

  it('may be the default user with a password', async () => {
    const { url } = await startServer('--requirepass', secret)
    await expectWorksWell(start(withPassword(url, secret)))
  })

  it('may be a user who may do only what is needed', async () => {
    const { url } = await startServer()
    const rules = ['reset', 'on', `>${secret}`, '~perm:*', '+get', '+set', '+del', '+ping']
    await plainClient(url).acl('SETUSER', 'gate', ...rules)
    const cache = start(withPassword(url, secret, 'gate'))
    await expectWorks(cache)
    expect(told(cache)).toMatch(/^Error: Redis: NOPERM .*: entries are asked for one by one$/)
    await plainClient(url).acl('SETUSER', 'gate', '+mget')
    await expectWorksWell(start(withPassword(url, secret, 'gate')))
  })

  it.each(['', 'wrong-word'])(
    'is refused with the password %j, without repeating it',
    async (password) => {
      const server = await startServer('--requirepass', secret)
      const proxy = await startTcpProxy(server.url)
      closers.push(proxy.close)
      const cache = start(password === '' ? proxy.url : withPassword(proxy.url, password))
      await during(800, () => expect(cache.available()).toBe(false))
      expect(told(cache)).toMatch(/NOAUTH|WRONGPASS/)
      expect(JSON.stringify(cache.faults.map((fault) => Object.entries(fault as object)))).toBe(
        JSON.stringify(cache.faults.map(() => [])),
      )
      expect(told(cache)).not.toMatch(/wrong-word/)
      expect(proxy.opened()).toBeLessThan(12)
    },
  )

  it('has a database of its own', async () => {
    const { redisUrl } = servers()
    const [cache, pair] = [start(`${redisUrl}/7`), newPair()]
    await untilAvailable(cache)
    cache.put(pair, fresh())
    expect(await cache.get(pair, never)).toBeDefined()
    expect(await plainClient(redisUrl).exists(`perm:${pair.user}:org-a`)).toBe(0)
    expect(await plainClient(`${redisUrl}/7`).exists(`perm:${pair.user}:org-a`)).toBe(1)
  })
})

describe('TLS', () => {
  async function startTls() {
    const authority = createAuthority(testFolder(), 'redis-authority')
    const { cert, key } = authority.issue('server')
    const target = new URL(servers().redisUrl)
    const server = tls.createServer(
      { cert: readFileSync(cert), key: readFileSync(key) },
      (client) => {
        const upstream = connect(Number(target.port), target.hostname)
        client.on('error', () => undefined)
        client.on('close', () => upstream.destroy())
        client.pipe(upstream).pipe(client)
      },
    )
    server.on('tlsClientError', () => undefined)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(async () => server.close())
    return { authority, url: `rediss://localhost:${(server.address() as AddressInfo).port}` }
  }

  it('is spoken with who shows a certificate of an authority that is trusted, and no other', async () => {
    const { authority, url } = await startTls()
    const stranger = start(url)
    await during(300, () => expect(stranger.available()).toBe(false))
    expect(told(stranger)).toMatch(/certificate/)
    await stranger.close()

    const trusted = tls.getCACertificates('default')
    tls.setDefaultCACertificates([...trusted, readFileSync(authority.cert, 'utf8')])
    try {
      await expectWorksWell(start(url))
    } finally {
      tls.setDefaultCACertificates(trusted)
    }
  })
})
