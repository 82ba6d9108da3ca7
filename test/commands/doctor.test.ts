import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startEnvoy } from '../../src/adapters/servers/envoy.ts'
import type { Finding } from '../../src/domain/finding.ts'
import { betterAuthTables, runSql } from '../support/better-auth-tables.ts'
import { tenantgate } from '../support/command-line.ts'
import {
  complaints,
  documentedSql,
  findingOf,
  isDocumented,
  runStatements,
} from '../support/doctor.ts'
import { timed } from '../support/eventually.ts'
import { testFolder } from '../support/folder.ts'
import { freshDatabase, servers, uniqueName } from '../support/servers.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const secret = 'a-secret-of-more-than-thirty-two-characters'
const usual = {
  TENANTGATE_POLICY: 'examples/policy.yaml',
  BETTER_AUTH_SECRET: secret,
  BETTER_AUTH_URL: 'http://localhost:3005',
  DATABASE_URL: 'postgres://nobody:hunter2@127.0.0.1:1/none',
}

async function documentedDatabase(): Promise<string> {
  const owner = await freshDatabase('doctor')
  await runSql(owner, betterAuthTables({ adapter: 'built-in', ids: 'text' }))
  const role = uniqueName('reader')
  await runStatements(owner, documentedSql(role))
  const url = new URL(owner)
  url.username = role
  url.password = 'hunter2' // the server asks for none
  return url.href
}

async function run(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const result = await tenantgate(['doctor', ...args, '--format', 'json'], { ...usual, ...env })
  expect(result.stdout + result.stderr).not.toMatch(/hunter2|a-secret-of/)
  const { checks } = JSON.parse(result.stdout) as { checks: Finding[] }
  return { ...result, checks }
}

describe('tenantgate doctor', () => {
  it('has nothing to say of a platform that is as it should be, but for core NATS', async () => {
    const { natsUrl, redisUrl, envoy: executable } = servers()
    const envoy = await startEnvoy({
      envoy: executable,
      authz: ['127.0.0.1:1'],
      upstream: '127.0.0.1:1',
    })
    onTestFinished(envoy.close)
    const env = { DATABASE_URL: await documentedDatabase(), REDIS_URL: redisUrl, NATS_URL: natsUrl }
    const { checks, status, stderr } = await run(env, '--envoy', envoy.adminUrl)
    expect([complaints(checks), status, stderr]).toEqual([['warn nats.stream'], 0, ''])
    for (const part of ['policy', 'postgres', 'redis', 'nats', 'keys', 'envoy']) {
      expect(checks.some(({ name }) => name.startsWith(`${part}.`))).toBe(true)
    }
    expect(checks.filter(({ name }) => !isDocumented(name))).toEqual([])
    expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length)
    for (const check of checks) {
      expect(Object.keys(check).sort()).toEqual(['mend', 'message', 'name', 'status', 'why'])
      expect(check.message).not.toContain('\n')
    }
  })

  it('tells each dependency that cannot be reached once, and exits 1', async () => {
    const { checks, status } = await run(
      {
        REDIS_URL: 'redis://:hunter2@127.0.0.1:1',
        NATS_URL: 'nats://u:hunter2@127.0.0.1:1',
        TENANTGATE_JWKS: 'http://127.0.0.1:1/jwks',
      },
      '--envoy',
      'http://127.0.0.1:1',
    )
    expect(status).toBe(1)
    expect(complaints(checks).sort()).toEqual([
      'error envoy.reachable',
      'error keys.jwks',
      'error nats.reachable',
      'error postgres.reachable',
      'error redis.reachable',
    ])
  })

  it('ends in time, with an answer for each, where nobody answers', async () => {
    const silent = async (url: string): Promise<string> => {
      const proxy = await startTcpProxy(url)
      onTestFinished(proxy.close)
      proxy.swallow()
      return proxy.url
    }
    const { natsUrl, postgresUrl, redisUrl } = servers()
    const env = {
      DATABASE_URL: await silent(postgresUrl),
      REDIS_URL: await silent(redisUrl),
      NATS_URL: await silent(natsUrl),
      TENANTGATE_JWKS: await silent('http://127.0.0.1:1'),
    }
    const { ms, value } = await timed(run(env, '--envoy', await silent('http://127.0.0.1:1')))
    expect(
      complaints(value?.checks ?? [])
        .filter((one) => one.startsWith('error'))
        .sort(),
    ).toEqual([
      'error envoy.reachable',
      'error keys.jwks',
      'error nats.reachable',
      'error postgres.reachable',
      'error redis.reachable',
    ])
    expect(ms).toBeLessThan(15_000)
  })

  it('warns without NATS, and exits 0', async () => {
    const { checks, status } = await run({ DATABASE_URL: await documentedDatabase() })
    expect([complaints(checks), status]).toEqual([['warn nats.configured'], 0])
  })

  it('reads the keys of Better Auth’s table', async () => {
    const url = await documentedDatabase()
    const env = { DATABASE_URL: url, TENANTGATE_JWKS: 'postgres' }
    const empty = await run(env)
    expect(complaints(empty.checks)).toEqual(['error keys.jwks', 'warn nats.configured'])
    const owner = new URL(url)
    owner.username = new URL(servers().postgresUrl).username
    await runSql(
      owner.href,
      'INSERT INTO jwks (id, public_key, private_key, created_at) VALUES ($1, $2, $3, now())',
      ['k1', JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }), 'private'],
    )
    const { checks } = await run(env)
    expect(complaints(checks)).toEqual(['warn nats.configured'])
    expect(findingOf(checks, 'keys.jwks').message).toBe("Better Auth's table: 1 usable key (EdDSA)")
  })

  it('a policy with faults is an error, and the rest is examined', async () => {
    const policy = join(testFolder(), 'faulty.yaml')
    writeFileSync(policy, 'version: 1\nroutes:\n  - { name: a, match: GET /a }\n')
    const env = { TENANTGATE_POLICY: policy, DATABASE_URL: await documentedDatabase() }
    const { checks, status } = await run(env)
    expect([complaints(checks), status]).toEqual([
      ['error policy.loads', 'warn nats.configured'],
      1,
    ])
    expect(findingOf(checks, 'policy.loads').message).toMatch(/3:5: routes\[0\]/)
    expect(findingOf(checks, 'postgres.reachable').status).toBe('ok')
  })

  it('no policy is an error', async () => {
    const { checks } = await run({ TENANTGATE_POLICY: 'nowhere.yaml' })
    expect(findingOf(checks, 'policy.loads').message).toContain('nowhere.yaml')
  })

  it('as text: a line a check, with why and mend under what is wrong, and the sums', async () => {
    const owner = new URL(await documentedDatabase())
    owner.username = new URL(servers().postgresUrl).username
    await runSql(owner.href, 'DROP INDEX idx_members_user_org')
    const { status, stdout } = await tenantgate(['doctor'], { ...usual, DATABASE_URL: owner.href })
    expect(status).toBe(1)
    expect(stdout).toMatch(/^ok {4} policy\.loads +examples\/policy\.yaml: 9 routes/m)
    expect(stdout).toMatch(
      /^error {2}postgres\.index\.idx_members_user_org +there is no index on members \(user_id, organization_id\)\n +why +every check .*\n +mend +CREATE INDEX CONCURRENTLY idx_members_user_org ON members \(user_id, organization_id\);$/m,
    )
    expect(stdout.trimEnd()).toMatch(/\n\d+ ok, 2 warnings, 1 error$/)
    expect(stdout).not.toContain('hunter2')
  })

  it.each<[string, readonly string[], Readonly<Record<string, string>>]>([
    ['an unknown option', ['--nope'], {}],
    ['a word', ['everything'], {}],
    ['an admin interface that is no URL', ['--envoy', '127.0.0.1:9901'], {}],
    ['no DATABASE_URL', [], { DATABASE_URL: '' }],
    ['no key', [], { BETTER_AUTH_SECRET: '' }],
  ])('%s is wrong usage', async (_title, args, env) => {
    const { status, stdout, stderr } = await tenantgate(['doctor', ...args], { ...usual, ...env })
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).not.toBe('')
  })
})
