import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { examplePolicy } from '../../src/demo/stack.ts'
import { startTenantgate } from '../../src/demo/tenantgate-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Load {
  readonly atMs: number
  readonly url: string
}

const recorder = new URL('../support/record-loads.ts', import.meta.url).href
const nobody = '127.0.0.1:1'
let started = 0

/** What `serve` loads until it says that it listens, in its order. */
async function loadsOf(env: Readonly<Record<string, string>> = {}): Promise<readonly Load[]> {
  const file = join(folder, `loads-${(started += 1)}`)
  const service = await startTenantgate({
    NODE_OPTIONS: `--import=${recorder}`,
    RECORD_LOADS: file,
    TENANTGATE_POLICY: examplePolicy,
    DATABASE_URL: `postgres://nobody@${nobody}/none`,
    BETTER_AUTH_SECRET: 'a-secret-of-more-than-thirty-two-characters',
    ...env,
  })
  await service.close()
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line) => {
    const [atMs, url = ''] = line.split(' ')
    return { atMs: Number(atMs), url }
  })
}

/** Of the package whose file it is; undefined: of this one, or Node's own. */
function packageOf({ url }: Load): string | undefined {
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]
}

/** The first file whose loading no check has to wait for. */
const isLater = ({ url }: Load): boolean =>
  /\/src\/(?:adapters\/(?:prometheus\/runtime-metrics|redis|nats\/change-feed)|compose-http)/.test(
    url,
  )

describe('what serve loads', () => {
  it.each([
    ['alone', {}],
    [
      'with Redis and NATS',
      {
        REDIS_URL: `redis://${nobody}`,
        NATS_URL: `nats://${nobody}`,
      },
    ],
  ])('before checks are answered is what a check needs: %s', async (_case, env) => {
    const loads = await loadsOf(env)
    const later = loads.findIndex(isLater)
    const [first, rest] = [loads.slice(0, later), loads.slice(later)]
    const urls = first.map(({ url }) => url)

    expect(urls.some((url) => url.endsWith('/src/adapters/http2/server.ts'))).toBe(true)
    // Each takes 10 ms or more of the start, which is why it is not among these.
    const slow = ['http', 'https', 'http2', 'tls', 'zlib', 'child_process', 'cluster']
    expect(urls.filter((url) => slow.includes(url.replace('node:', '')))).toEqual([])
    const packages = new Set(first.flatMap((load) => packageOf(load) ?? []))
    expect([...packages].filter((name) => !needed.has(name))).toEqual([])
    expect(first.length).toBeLessThan(550)
    // It connects to PostgreSQL before it loads the rest, and takes turns between large parts of that.
    const large = [
      '/node_modules/pg/',
      '/src/adapters/envoy/check-handler.ts',
      '/src/compose-tokens.ts',
    ]
    const order = [...large, '/src/adapters/http2/server.ts', '/src/app.ts'].map((part) =>
      urls.findIndex((url) => url.includes(part)),
    )
    expect(order).toEqual(order.toSorted((a, b) => a - b))

    // What comes after shows that loads are seen.
    const after = new Set(rest.flatMap((load) => packageOf(load) ?? []))
    expect(after).toContain('fastify')
    expect(after).toContain('@opentelemetry/api')
    expect([after.has('ioredis'), after.has('@nats-io/transport-node')]).toEqual(
      'REDIS_URL' in env ? [true, true] : [false, false],
    )
  })

  it('once checks are answered waits for PostgreSQL, but not for long', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    try {
      const { port } = silent.address() as { readonly port: number }
      const waited = waitOf(await loadsOf({ DATABASE_URL: `postgres://n@127.0.0.1:${port}/n` }))
      expect(waited).toBeGreaterThan(240)
    } finally {
      silent.close()
    }
    const waits: number[] = []
    while (waits.length < 5 && !waits.some((ms) => ms < 200)) waits.push(waitOf(await loadsOf()))
    expect(Math.min(...waits)).toBeLessThan(200)
  })
})

/** Time from the load of the transport to that of what comes after the first calm, in ms. */
function waitOf(loads: readonly Load[]): number {
  const transport = loads.findLast(({ url }) => url.includes('/src/adapters/http2/'))
  return (loads.find(isLater)?.atMs ?? NaN) - (transport?.atMs ?? NaN)
}

/** What a first check runs through, with what these packages rest on. */
const needed: ReadonlySet<string> = new Set([
  ...['pino', 'pino-std-serializers', '@pinojs/redact', 'quick-format-unescaped', 'sonic-boom'],
  ...['atomic-sleep', 'on-exit-leak-free', 'thread-stream', 'safe-stable-stringify'],
  ...['yaml', 'jose', 'lru-cache', 'prom-client'],
  ...['pg', 'pg-types', 'pg-int8', 'pg-connection-string', 'pg-protocol', 'pg-pool', 'xtend'],
  ...['postgres-array', 'postgres-bytea', 'postgres-date', 'postgres-interval'],
])
