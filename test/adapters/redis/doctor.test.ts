import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { examineInfo, parseInfo } from '../../../src/adapters/redis/doctor-info.ts'
import { examineAccess, redisPart } from '../../../src/adapters/redis/doctor.ts'
import { startValkey, type ValkeyServer } from '../../../src/adapters/servers/valkey.ts'
import { ensureWheels } from '../../../src/adapters/servers/wheels.ts'
import { createDoctor } from '../../../src/application/doctor.ts'
import { complaints, examinePart, findingOf, isDocumented } from '../../support/doctor.ts'
import { timed } from '../../support/eventually.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const binaries = await ensureWheels()
let server: ValkeyServer
let admin: Redis
beforeAll(async () => {
  server = await startValkey({ binaries })
  admin = new Redis(server.url)
})
afterAll(async () => {
  admin.disconnect()
  await server.close()
})

const examine = (url = server.url, shiftMs = 0) =>
  examinePart(redisPart({ url, now: () => Date.now() + shiftMs }))

/** A user of its own with these rules, and its URL. */
async function asUser(...rules: readonly string[]): Promise<string> {
  await admin.call('ACL', 'SETUSER', 'doctor', 'reset', 'on', '>pass/word', ...rules)
  onTestFinished(async () => {
    await admin.call('ACL', 'DELUSER', 'doctor')
  })
  const url = new URL(server.url)
  url.username = 'doctor'
  url.password = 'pass%2Fword'
  return url.href
}

async function withConfig(name: string, value: string): Promise<void> {
  const [, before = ''] = (await admin.config('GET', name)) as string[]
  await admin.config('SET', name, value)
  onTestFinished(async () => {
    await admin.config('SET', name, before)
  })
}

describe('a Redis', () => {
  it('as it should be has no findings, and gets no key', async () => {
    const findings = await examine()
    expect(complaints(findings)).toEqual([])
    expect(findings.map(({ name }) => name).filter((name) => !isDocumented(name))).toEqual([])
    expect(await admin.dbsize()).toBe(0)
    expect(findingOf(findings, 'redis.rights').message).toBe('GET, MGET, SET and DEL of perm: keys')
  })

  it('that evicts whatever it likes', async () => {
    await withConfig('maxmemory', '100mb')
    await withConfig('maxmemory-policy', 'allkeys-lru')
    const findings = await examine()
    expect(complaints(findings)).toEqual(['warn redis.eviction'])
    const mend = findingOf(findings, 'redis.eviction').mend ?? ''
    await admin.call('CONFIG', ...mend.replace(/#.*/s, '').trim().split(' ').slice(1))
    expect(complaints(await examine())).toEqual([])
  })

  it.each([
    ['noeviction', '100mb', ['warn redis.eviction']],
    ['volatile-lru', '100mb', []],
    ['allkeys-lru', '0', []],
  ])('with %s at %s', async (policy, limit, expected) => {
    await withConfig('maxmemory', limit)
    await withConfig('maxmemory-policy', policy)
    expect(complaints(await examine())).toEqual(expected)
  })

  it('that is a replica', async () => {
    const replica = await startValkey({
      binaries,
      args: ['--replicaof', `127.0.0.1 ${server.port}`],
    })
    onTestFinished(replica.close)
    const findings = await examine(replica.url)
    expect(complaints(findings)).toContain('error redis.role')
    expect(findingOf(findings, 'redis.role').mend).toContain(`redis://127.0.0.1:${server.port}`)
  })

  it('that is a node of a cluster', async () => {
    const node = await startValkey({ binaries, args: ['--cluster-enabled', 'yes'] })
    onTestFinished(node.close)
    expect(complaints(await examine(node.url))).toContain('warn redis.cluster')
  })

  it.each([
    [
      'may do what is documented',
      [
        '~perm:*',
        'resetchannels',
        '-@all',
        '+get',
        '+mget',
        '+set',
        '+del',
        '+ping',
        '+select',
        '+time',
        '+info',
      ],
      [],
    ],
    ['may not set', ['~perm:*', '+@all', '-set'], ['warn redis.rights']],
    ['may not delete', ['~perm:*', '+@all', '-del'], ['warn redis.rights']],
    ['may not ask for many at once', ['~perm:*', '+@all', '-mget'], ['warn redis.rights']],
    ['may see other keys only', ['~other:*', '+@all'], ['warn redis.rights']],
    ['may not ask for anything', ['~perm:*', '-@all', '+get', '+ping'], ['warn redis.clock']],
  ])('whose user %s', async (_title, rules, expected) => {
    expect(complaints(await examine(await asUser(...rules)))).toEqual(expected)
  })

  it('whose password is another', async () => {
    const url = new URL(await asUser('+@all', '~*'))
    url.password = 'wrong-hunter2'
    const findings = await examine(url.href)
    expect(complaints(findings)).toEqual(['error redis.reachable'])
    expect(JSON.stringify(findings)).not.toContain('hunter2')
  })

  it.each([3_000, -3_000])('whose clock is %d ms off', async (shiftMs) => {
    expect(complaints(await examine(server.url, shiftMs))).toEqual(['warn redis.clock'])
  })

  it('that nobody answers', async () => {
    const findings = await examine('redis://:hunter2@127.0.0.1:1')
    expect(complaints(findings)).toEqual(['error redis.reachable'])
    expect(findings[0]?.message).toMatch(/^redis:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/)
  })

  it('that swallows what it is sent is told in time', async () => {
    const proxy = await startTcpProxy(server.url)
    onTestFinished(proxy.close)
    proxy.swallow()
    const doctor = createDoctor({
      timeLimit: (ms) => AbortSignal.timeout(ms),
      redact: (text) => text,
      openMs: 300,
      checkMs: 300,
    })
    const { ms, value = [] } = await timed(doctor([redisPart({ url: proxy.url, now: Date.now })]))
    expect(complaints(value)).toEqual(['error redis.reachable'])
    expect(ms).toBeLessThan(2_000)
  })
})

describe('what INFO tells', () => {
  const usual = 'redis_version:7.2.4\nrole:master\nmaxmemory:0\nmaxmemory_policy:noeviction\n'
  it.each([
    ['nothing wrong', '', []],
    ['6.1', 'redis_version:6.1.9', ['error redis.version']],
    ['6.2', 'redis_version:6.2.0', []],
    ['8.0', 'redis_version:8.0.1', []],
    ['no version', 'redis_version:', ['error redis.version']],
  ])('%s', (_title, line, expected) => {
    expect(complaints(examineInfo(parseInfo(`# Server\r\n${usual}${line}`)))).toEqual(expected)
  })
})

describe('an address', () => {
  it.each([
    ['redis://127.0.0.1', []],
    ['rediss://u:p@cache.example.com', []],
    ['redis://:p@cache.example.com', ['warn redis.encryption']],
    ['rediss://cache.example.com', ['warn redis.password']],
    ['redis://10.0.0.1', ['warn redis.encryption', 'warn redis.password']],
  ])('%s', (url, expected) => {
    expect(complaints(examineAccess(url))).toEqual(expected)
  })
})
