import { afterEach, describe, expect, it } from 'vitest'
import { factOf } from '../../support/builders.ts'
import { during, timed } from '../../support/eventually.ts'
import { until } from '../../support/poll.ts'
import { startRedisImpostor, type ImpostorAnswers } from '../../support/redis-impostor.ts'
import { startFactCache, untilAvailable, type TestedCache } from './open-fact-cache.ts'

const pair = { user: 'u1', organization: 'org-a' }
const never = new AbortController().signal
const timeoutMs = 100
const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function meet(answers: ImpostorAnswers, path = '') {
  const server = await startRedisImpostor(answers)
  const cache = startFactCache(server.url + path, { timeoutMs })
  closers.push(server.close, cache.close)
  return { server, cache }
}

const fresh = () => factOf(['staff'], { verifiedAtMs: Date.now() })

/** A look-up comes to nothing, in little more than the time-out; writes do no harm. */
async function expectMiss(cache: TestedCache): Promise<void> {
  cache.put(pair, fresh())
  cache.drop([pair])
  const { error, ms, value } = await timed(cache.get(pair, never))
  expect([value, error]).toEqual([undefined, undefined])
  expect(ms).toBeLessThan(timeoutMs + 150)
}

const http = 'HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'

// What nobody catches fails the run: that nothing is thrown is asserted by each of these.
describe('what is no Redis at all is never available', () => {
  it.each<[string, ImpostorAnswers]>([
    ['hangs up', { hangsUp: true }],
    ['says nothing', {}],
    ['speaks first', { greeting: '220 mail ready\r\n' }],
    ['speaks HTTP', { answer: () => http }],
    [
      'speaks anything',
      { greeting: '\x00\xff\x15\x03\x01\r\n*-7\r\n$99999\r\n', answer: () => '\x16\x03' },
    ],
    ['gives nothing when asked, and once more', { answer: () => '$-1\r\n$-1\r\n' }],
    ['gives lists of nothing', { greeting: '*-1\r\n*2\r\n$-1\r\n*0\r\n', answer: () => '*0\r\n' }],
    ['gives errors without being asked', { greeting: '-ERR who are you\r\n', answer: () => '' }],
    ['is loading', { answer: () => '-LOADING Redis is loading the dataset in memory\r\n' }],
    ['wants a password', { answer: () => '-NOAUTH Authentication required.\r\n' }],
    ['answers to ping as it likes', { answer: () => '+OK\r\n' }],
    ['answers to ping with a number', { answer: () => ':1\r\n' }],
    ['begins an answer without an end', { answer: () => '$100\r\nPONG' }],
  ])('%s', async (_title, answers) => {
    const { cache, server } = await meet(answers)
    await during(600, async () => {
      expect(cache.available()).toBe(false)
      await expectMiss(cache)
    })
    expect(server.opened()).toBeLessThan(12) // backs off
  })

  it('says nothing: its connections are reset, so that nothing on them comes later', async () => {
    const { cache, server } = await meet({})
    await until(() => server.opened() > 1, { what: 'it is tried again' })
    expect(server.resets()).toBeGreaterThan(0)
    expect(cache.faults.map(String).join('\n')).toMatch(/does not answer: connecting anew/)
  })

  it('says nothing, and nothing is said of it once the cache is closed', async () => {
    const { cache, server } = await meet({})
    await until(() => server.opened() === 1, { what: 'it is tried' })
    await cache.close()
    await during(100, () => expect(cache.faults).toEqual([]))
  })

  it('has no such database', async () => {
    const answer = (command: string) =>
      command === 'SELECT' ? '-ERR DB index is out of range\r\n' : '+PONG\r\n'
    const { cache } = await meet({ answer }, '/99')
    await during(300, () => expect(cache.available()).toBe(false))
    expect(cache.faults.map(String).join('\n')).toMatch(/out of range/)
  })
})

describe('an answer that is no entry is a miss', () => {
  it.each([
    [
      'is of another type',
      '-WRONGTYPE Operation against a key holding the wrong kind\r\n',
      /WRONGTYPE/,
    ],
    ['is elsewhere', '-MOVED 3999 127.0.0.1:6381\r\n', /MOVED/],
    ['is on its way', '-ASK 3999 127.0.0.1:6381\r\n', /ASK/],
    ['cannot be told', '-CLUSTERDOWN Hash slot not served\r\n', /CLUSTERDOWN/],
    ['may not be told', '-NOPERM no permissions\r\n', /NOPERM/],
    ['is a number', ':5\r\n', undefined],
    ['is a list', '*2\r\n$1\r\na\r\n$1\r\nb\r\n', undefined],
    ['is nothing', '$-1\r\n', undefined],
    ['is no list', '*-1\r\n', undefined],
    ['is empty', '$0\r\n\r\n', undefined],
    ['is a word', '+OK\r\n', undefined],
  ])('%s', async (_title, reply, fault) => {
    const answer = (command: string) => (command === 'PING' ? '+PONG\r\n' : reply)
    const { cache } = await meet({ answer })
    await untilAvailable(cache)
    await expectMiss(cache)
    expect(cache.available()).toBe(true)
    if (fault !== undefined) {
      await until(() => cache.faults.length >= 3, { what: 'look-up, put and drop are reported' })
      expect(cache.faults.map(String).join('\n')).toMatch(fault)
    }
  })

  it('comes in two, which shifts all that follow', async () => {
    const answer = (command: string) =>
      command === 'PING' ? '+PONG\r\n' : '$1\r\na\r\n$1\r\nb\r\n'
    const { cache } = await meet({ answer })
    await untilAvailable(cache)
    for (let count = 0; count < 20; count += 1) await expectMiss(cache)
  })

  it('never ends', async () => {
    const answer = (command: string) => (command === 'PING' ? '+PONG\r\n' : '$100\r\nabc')
    const { cache } = await meet({ answer })
    await untilAvailable(cache)
    await expectMiss(cache)
    expect(cache.available()).toBe(false)
    await untilAvailable(cache) // on another connection
  })

  it('is too large to take', async () => {
    const answer = (command: string) =>
      command === 'PING' ? '+PONG\r\n' : `$8000000\r\n${'x'.repeat(8_000_000)}\r\n`
    const { cache } = await meet({ answer })
    await untilAvailable(cache)
    await cache.get(pair, never)
    await expectMiss(cache)
  })
})

describe('a server that answers late', () => {
  it('is not used, though it answers, and keeps its connection', async () => {
    const server = await startRedisImpostor({ answer: () => '+PONG\r\n', delayMs: 200 })
    const cache = startFactCache(server.url, { timeoutMs })
    closers.push(server.close, cache.close)
    await during(1_000, () => expect(cache.available()).toBe(false))
    expect(server.opened()).toBe(1)
  })

  it('again and again is tried, but not ever faster', async () => {
    let delayed = 0
    const slow = await startRedisImpostor({
      answer: (command) => {
        if (command === 'PING') return '+PONG\r\n'
        delayed += 1
        return undefined
      },
    })
    const patient = startFactCache(slow.url, { timeoutMs: 20 })
    closers.push(slow.close, patient.close)
    await until(patient.available, { what: 'it is available' })
    let paid = 0
    await during(
      2_000,
      async () => {
        const { ms } = await timed(patient.get(pair, never))
        if (ms > 15) paid += 1
      },
      1,
    )
    expect(delayed).toBeGreaterThan(0)
    expect(paid).toBeLessThan(15)
  })
})
