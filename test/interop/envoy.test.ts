import { Agent, get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import {
  startEnvoy,
  type EnvoyOptions,
  type EnvoyServer,
} from '../../src/adapters/servers/envoy.ts'
import { extAuthz } from '../../src/adapters/servers/envoy-config.ts'
import { createTempDir, type TempDir } from '../../src/adapters/servers/temp-dir.ts'
import { startUpstream, type Upstream } from '../../src/demo/upstream.ts'
import { createAuthority } from '../support/certificates.ts'
import { startCheckServer, type CheckServer } from '../support/http2-check-server.ts'
import { until } from '../support/poll.ts'

/** Of very different lengths. */
const names = Array.from({ length: 400 }, (_, at) => `user-${at}-${'x'.repeat(at * 20)}`)

interface Answer {
  readonly status: number
  readonly body: string
}

let folder: TempDir
let upstream: Upstream
beforeAll(async () => {
  folder = await createTempDir('interop-envoy')
  upstream = await startUpstream()
})
afterAll(async () => {
  await upstream.close()
  await folder.remove()
})

let agent: Agent
let checks: CheckServer[] = []
let envoy: EnvoyServer
afterEach(async () => {
  agent.destroy()
  await envoy.close()
  for (const server of checks.splice(0)) await server.close()
})

async function start(
  path: string,
  servers: readonly CheckServer[],
  healthCheckIntervalMs: number,
  patch?: EnvoyOptions['patch'],
): Promise<void> {
  agent = new Agent({ keepAlive: true, maxSockets: 100 })
  checks = [...servers]
  envoy = await startEnvoy({
    envoy: path,
    authz: servers.map(({ address }) => address),
    upstream: upstream.address,
    healthCheckIntervalMs,
    patch(config) {
      // Client, server and upstream share a process here, and the machine with others.
      const service = extAuthz(config)['grpc_service'] as Record<string, unknown>
      service['timeout'] = '20s'
      // A failure is to be seen.
      delete service['retry_policy']
      patch?.(config)
    },
  })
  // Its health checks have to find a server first.
  await until(async () => (await ask('/ready')).status === 200, { what: 'a healthy authz' })
}

function ask(path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(`${envoy.url}${path}`, { agent }, (response: IncomingMessage) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    request.on('error', reject)
  })
}

/** The user that the upstream was told of. */
function userIn({ body, status }: Answer): string {
  if (status !== 200) return `status ${status}`
  const { headers } = JSON.parse(body) as { headers: Record<string, string> }
  return headers['x-user-id'] ?? ''
}

/** Asks as long as `busy` says, `width` at a time; gives the answers other than 200, and all. */
async function load(
  width: number,
  busy: () => boolean,
  path = '',
): Promise<{ readonly failed: number; readonly asked: number }> {
  let failed = 0
  let asked = 0
  const one = async (worker: number): Promise<void> => {
    while (busy()) {
      asked += 1
      const name = `${worker}-${asked}`
      if (userIn(await ask(`${path}/${name}`)) !== name) failed += 1
    }
  }
  await Promise.all(Array.from({ length: width }, (_, worker) => one(worker)))
  return { failed, asked }
}

const envoys = inject('envoys').map(({ version, path }) => [version, path] as const)

describe.each(envoys)('Envoy %s', (version, path) => {
  it('gets the decision of each check, many at once and of any size', async () => {
    await start(path, [await startCheckServer()], 1_000)
    const answers = await Promise.all(names.map((name) => ask(`/${name}`)))
    expect(answers.map(userIn)).toEqual(names)
    expect(await ask('/deny')).toEqual({ status: 403, body: 'denied' })
    expect(checks[0]?.faults).toEqual([])
    expect((await statistics()).upstream_cx_protocol_error).toBe(0)
  })

  it('gets it with metadata of its own for each check, over a Unix socket', async () => {
    const server = await startCheckServer({ listen: `unix:${join(folder.path, version)}` })
    await start(path, [server], 1_000, (config) => {
      const service = extAuthz(config)['grpc_service'] as Record<string, unknown>
      service['initial_metadata'] = [
        { key: 'x-of-check', value: '%REQ(:path)%' },
        { key: 'traceparent', value: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
      ]
    })
    const end = performance.now() + 700
    const { asked, failed } = await load(40, () => performance.now() < end)
    expect(asked).toBeGreaterThan(100)
    expect(failed).toBe(0)
    expect(server.faults).toEqual([])
  })

  it('gets it over TLS', async () => {
    const authority = createAuthority(folder.path, `authority-${version.replaceAll(' ', '-')}`)
    const files = authority.issue('server')
    const current = { cert: await readFile(files.cert), key: await readFile(files.key) }
    const tls = { current: () => current, onChanged: () => undefined, mutual: false }
    await start(path, [await startCheckServer({ tls })], 1_000, (config) => {
      const authz = config.static_resources.clusters.find(({ name }) => name === 'authz') ?? {}
      const validation_context = { trusted_ca: { filename: authority.cert } }
      const type = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'
      Object.assign(authz, {
        transport_socket: {
          name: 'envoy.transport_sockets.tls',
          typed_config: {
            '@type': `type.googleapis.com/${type}`,
            sni: 'localhost',
            common_tls_context: { validation_context },
          },
        },
      })
    })
    const end = performance.now() + 500
    const { asked, failed } = await load(40, () => performance.now() < end)
    expect(asked).toBeGreaterThan(100)
    expect(failed).toBe(0)
  })

  it('2,000 clients that give up in a second harm no other check', async () => {
    const server = await startCheckServer()
    await start(path, [server], 1_000)
    const { hostname, port } = new URL(envoy.url)
    let aborting = true
    const innocent = load(10, () => aborting, '/slow/20')
    const began = performance.now()
    for (let batch = 0; batch < 20; batch += 1) {
      const sockets = Array.from({ length: 100 }, () => {
        const socket = connect(Number(port), hostname)
        socket.on('error', () => undefined)
        socket.write('GET /never HTTP/1.1\r\nhost: a\r\n\r\n')
        return socket
      })
      // They are given up once their checks are under way.
      const all = 100 * (batch + 1)
      await until(() => server.kept() === all, { what: 'checks' })
      for (const socket of sockets) socket.destroy()
      await until(() => server.cancelled() === all, { what: 'aborts' })
    }
    const tookMs = performance.now() - began
    aborting = false
    const { asked, failed } = await innocent
    expect({ failed, faults: server.faults }).toEqual({ failed: 0, faults: [] })
    expect(asked).toBeGreaterThan(50)
    expect(server.cancelled()).toBe(2_000)
    expect(tookMs).toBeLessThan(10_000)
    // One connection for the checks: no other was opened. That of health checks is not counted.
    expect(await statistics()).toMatchObject({
      upstream_cx_total: 1,
      upstream_cx_protocol_error: 0,
    })
  })

  it('a server that stops answers what is under way, and another takes over', async () => {
    const first = await startCheckServer()
    await start(path, [first, await startCheckServer()], 300, (config) => {
      // What health checks find is put into force at once, not with what comes in the next second.
      const authz = config.static_resources.clusters.find(({ name }) => name === 'authz') ?? {}
      Object.assign(authz, { common_lb_config: { update_merge_window: '0s' } })
    })
    const healthy = async (): Promise<unknown> => (await statistics()).membership_healthy
    await until(async () => (await healthy()) === 2, { what: 'two healthy servers' })
    let loading = true
    const loaded = load(20, () => loading, '/slow/5')
    const slow = Promise.all(names.slice(0, 40).map((name) => ask(`/slow/1500/${name}`)))
    await until(() => first.waiting() > 10, { what: 'checks at the first server' })
    first.setServing(false)
    await until(async () => (await healthy()) === 1, { what: 'one healthy server' })
    await first.close()
    expect((await slow).map(userIn)).toEqual(names.slice(0, 40))
    loading = false
    const { asked, failed } = await loaded
    expect(failed).toBe(0)
    expect(asked).toBeGreaterThan(30)
    expect(first.cancelled()).toBe(0)
  })

  /** Of the cluster of the servers that are asked. */
  async function statistics(): Promise<Record<string, number>> {
    const response = await fetch(`${envoy.adminUrl}/stats?format=json&filter=^cluster.authz.`)
    const { stats } = (await response.json()) as { stats: { name?: string; value?: number }[] }
    const named = stats.flatMap(({ name, value }) =>
      name === undefined || value === undefined
        ? []
        : [[name.slice('cluster.authz.'.length), value] as const],
    )
    return Object.fromEntries(named)
  }
})
