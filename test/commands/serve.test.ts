import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { startPostgres } from '../../src/adapters/servers/postgres.ts'
import { onFreePort } from '../../src/adapters/servers/ports.ts'
import { ensureWheels } from '../../src/adapters/servers/wheels.ts'
import { examplePolicy } from '../../src/demo/stack.ts'
import { startTenantgate, type TenantgateProcess } from '../../src/demo/tenantgate-process.ts'
import { tenantgate } from '../support/command-line.ts'
import { until } from '../support/poll.ts'
import { freshDatabase } from '../support/servers.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-test-'))
const running: TenantgateProcess[] = []
afterEach(async () => {
  for (const process of running.splice(0)) await process.close()
})
afterAll(() => rmSync(folder, { recursive: true }))

const secret = 'a-secret-of-more-than-thirty-two-characters'
async function start(env: Readonly<Record<string, string>> = {}): Promise<TenantgateProcess> {
  const process = await startTenantgate({
    TENANTGATE_POLICY: examplePolicy,
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    BETTER_AUTH_SECRET: secret,
    ...env,
  })
  running.push(process)
  return process
}

interface Ready {
  readonly status: string
  readonly components: Readonly<Record<string, { status: string; detail?: string }>>
}
async function readyz({ httpAddress }: TenantgateProcess): Promise<[number, Ready]> {
  const response = await fetch(`http://${httpAddress}/readyz`)
  return [response.status, (await response.json()) as Ready]
}

describe('tenantgate serve', () => {
  it('names every fault of a bad environment at once, and exits 2', async () => {
    const { status, stdout, stderr } = await tenantgate(['serve'], {
      TENANTGATE_POLICY: 'nowhere.yaml',
      TENANTGATE_GRPC_LISTEN: 'nine',
      TENANTGATE_HTTP_LISTEN: '127.0.0.1:99999',
      TENANTGATE_GRPC_TLS_CERT: 'cert.pem',
      DATABASE_URL: 'mysql://root:hunter2@localhost/app',
      REDIS_URL: 'localhost',
      TENANTGATE_DEADLINE: 'soon',
      TENANTGATE_DECISION_LOG_ALLOWS: '2',
      TENANTGATE_CLAIMS: 'maybe',
    })
    expect([status, stdout]).toEqual([2, ''])
    const named = stderr.split('\n').flatMap((line) => /^ {2}([A-Z_]+):/.exec(line)?.[1] ?? [])
    expect(named.sort()).toEqual([
      'BETTER_AUTH_SECRET',
      'DATABASE_URL',
      'REDIS_URL',
      'TENANTGATE_CACHE_KEY',
      'TENANTGATE_CLAIMS',
      'TENANTGATE_DEADLINE',
      'TENANTGATE_DECISION_LOG_ALLOWS',
      'TENANTGATE_GRPC_LISTEN',
      'TENANTGATE_GRPC_TLS_KEY',
      'TENANTGATE_HTTP_LISTEN',
      'TENANTGATE_POLICY',
    ])
    expect(stderr).not.toContain('hunter2')
  })

  it('a policy with faults is one of them, with its lines', async () => {
    const policy = join(folder, 'faulty.yaml')
    writeFileSync(policy, 'version: 1\nroutes:\n  - { name: a, match: GET /a }\n')
    const { status, stderr } = await tenantgate(['serve'], { TENANTGATE_POLICY: policy })
    expect(status).toBe(2)
    expect(stderr).toMatch(/faulty\.yaml:3:5: routes\[0\]: the route asks for no permission/)
    expect(stderr).toMatch(/DATABASE_URL/)
  })

  it.each<[string, (first: TenantgateProcess) => Readonly<Record<string, string>>]>([
    ['a gRPC address in use', ({ grpcAddress }) => ({ TENANTGATE_GRPC_LISTEN: grpcAddress })],
    ['an HTTP address in use', ({ httpAddress }) => ({ TENANTGATE_HTTP_LISTEN: httpAddress })],
    ['a decision log that cannot be opened', () => ({ TENANTGATE_DECISION_LOG: '/proc/none/x' })],
  ])('%s is a configuration error, and nothing of it stays up', async (_name, env) => {
    const first = await start()
    const { status, stderr } = await tenantgate(['serve'], {
      TENANTGATE_POLICY: examplePolicy,
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      BETTER_AUTH_SECRET: secret,
      TENANTGATE_GRPC_LISTEN: '127.0.0.1:0',
      TENANTGATE_HTTP_LISTEN: '127.0.0.1:0',
      ...env(first),
    })
    expect(status).toBe(2)
    expect(stderr).toMatch(/cannot listen on|TENANTGATE_DECISION_LOG/)
  })

  it.each([
    ['a decision log on a full disk', {}],
    ['a required one on a full disk', { TENANTGATE_DECISION_LOG_REQUIRED: 'true' }],
  ])('%s does not keep it from ending', async (_name, env) => {
    const process = await start({ TENANTGATE_DECISION_LOG: '/dev/full', ...env })
    process.signal('SIGTERM')
    expect(await process.ended).toBe('exited with status 0')
  })

  it(
    'starts without its database, says so, and recovers by itself',
    { timeout: 60_000 },
    async () => {
      const binaries = await ensureWheels({})
      await onFreePort(async (port) => {
        const process = await start({
          DATABASE_URL: `postgres://postgres@127.0.0.1:${port}/postgres`,
        })
        const [status, report] = await readyz(process)
        expect([status, report.status, report.components['postgres']?.status]).toEqual([
          503,
          'not_ready',
          'down',
        ])
        const postgres = await startPostgres({ binaries, port })
        try {
          // It answers, but holds no tables of Better Auth yet.
          const missing = await until(
            async () => {
              const [, { components }] = await readyz(process)
              const detail = components['postgres']?.detail ?? ''
              return detail.includes('users.id') && detail
            },
            { what: 'the missing table' },
          )
          expect(missing).toContain('does DATABASE_URL name')
          const { Client } = (await import('pg')).default
          const client = new Client({ connectionString: postgres.url })
          await client.connect()
          await client.query(`CREATE TABLE users (id text, role text, banned boolean, ban_expires timestamptz);
          CREATE TABLE members (user_id text, organization_id text, role text)`)
          await client.end()
          await until(async () => (await readyz(process))[0] === 200, { what: 'ready' })
        } finally {
          await postgres.close()
        }
      })
    },
  )

  it('SIGTERM drains: not ready, then exit 0', async () => {
    const process = await start({ TENANTGATE_DRAIN: '3s' })
    process.signal('SIGTERM')
    await until(async () => (await readyz(process))[1].status === 'draining', { what: 'draining' })
    expect(await process.ended).toBe('exited with status 0')
    expect(process.log()).toContain('stopped')
  })

  it('a second signal does not wait', async () => {
    const process = await start({ TENANTGATE_DRAIN: '60s' })
    process.signal('SIGINT')
    await until(() => process.log().includes('draining'), { what: 'draining' })
    process.signal('SIGINT')
    expect(await process.ended).toBe('exited with status 1')
  })

  it('takes a changed policy, keeps the last good one over a faulty one', async () => {
    const policy = join(folder, 'live.yaml')
    const put = (text: string): void => {
      writeFileSync(`${policy}.new`, text)
      renameSync(`${policy}.new`, policy)
    }
    put('version: 1\nroutes:\n  - { name: a, match: GET /a, access: public }\n')
    const process = await start({ TENANTGATE_POLICY: policy, DATABASE_URL: await freshDatabase() })
    const version = async (): Promise<string | undefined> =>
      (await readyz(process))[1].components['policy']?.detail
    const first = await version()
    put('version: 1\nroutes:\n  - { name: a, match: GET /a, acess: public }\n')
    const [, degraded] = await until(
      async () => {
        const reading = await readyz(process)
        return reading[1].components['policy']?.status === 'degraded' && reading
      },
      { what: 'degraded' },
    )
    expect(degraded.components['policy']?.detail).toContain('last good policy')
    expect(process.log()).toContain('unknown key')
    put('version: 1\nroutes:\n  - { name: b, match: GET /b, access: public }\n')
    const second = await until(
      async () => {
        const now = await version()
        return now?.startsWith('sha256:') === true && now !== first && now
      },
      { what: 'the new version' },
    )
    const metrics = await (await fetch(`http://${process.httpAddress}/metrics`)).text()
    expect(metrics).toContain(`tenantgate_policy_info{version="${second}"} 1`)
    expect(metrics).toContain('tenantgate_policy_reload_failures_total 1')
  })

  it('says at its start what weakens it', async () => {
    const process = await start({ BETTER_AUTH_SECRET: 'short', NATS_URL: 'nats://127.0.0.1:1' })
    for (const what of ['issuer', 'audience', '32 characters', 'REDIS_URL is not set']) {
      expect(process.log()).toContain(what)
    }
    expect(process.log()).not.toContain('"short"')
  })
})
