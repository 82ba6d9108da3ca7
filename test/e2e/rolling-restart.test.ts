import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { extAuthz, type EnvoyConfig } from '../../src/adapters/servers/envoy-config.ts'
import { startEnvoy } from '../../src/adapters/servers/envoy.ts'
import { startStack } from '../../src/demo/stack.ts'
import { startTenantgate } from '../../src/demo/tenantgate-process.ts'
import { until } from '../support/poll.ts'
import { servers } from '../support/servers.ts'

/** Requests until told to stop, four at a time, and what each came to. */
function load(url: string, token: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const failed: string[] = []
  let answered = 0
  let running = true
  const one = (): Promise<string> =>
    new Promise((resolve) => {
      const headers = { authorization: `Bearer ${token}`, host: 'api.example.com' }
      request(url, { agent, headers }, (response) => {
        response.resume()
        response.on('end', () => resolve(String(response.statusCode)))
      })
        .on('error', (error) => resolve(error.message))
        .end()
    })
  const workers = Array.from({ length: 4 }, async () => {
    while (running) {
      const outcome = await one()
      if (outcome === '200') answered += 1
      else failed.push(outcome)
      await sleep(10) // about 300 requests/s, not as many as the machine can
    }
  })
  return {
    answered: () => answered,
    failed,
    async stop() {
      running = false
      await Promise.all(workers)
      agent.destroy()
    },
  }
}

/** Lets a check take seconds. */
function patientAuthz(config: EnvoyConfig): void {
  const service = extAuthz(config)['grpc_service'] as {
    timeout: string
    retry_policy: { retry_back_off: { max_interval: string } }
  }
  service.timeout = '5s'
  service.retry_policy.retry_back_off.max_interval = '2.4s'
}

it(
  'one of two instances is restarted under load without one failed request',
  { timeout: 90_000 },
  async () => {
    // The drain and the health checks are those that the repository ships. The deadlines are not: a
    // busy machine that answers late is not what is looked for here.
    const drain = { TENANTGATE_DRAIN: '5s', TENANTGATE_DEADLINE: '2s' }
    const stack = await startStack({ ...servers(), tokens: 'HS256', env: drain })
    let second = await startTenantgate({ ...stack.env })
    const edge = await startEnvoy({
      envoy: servers().envoy,
      authz: [stack.tenantgate.grpcAddress, second.grpcAddress],
      upstream: stack.upstream.address,
      patch: patientAuthz,
    })
    const decisionsOf = async (address: string): Promise<number> => {
      const text = await (await fetch(`http://${address}/metrics`)).text()
      return Number(
        /^tenantgate_decisions_total\{decision="allow".*\} (\d+)$/m.exec(text)?.[1] ?? 0,
      )
    }
    try {
      const path = `/api/v1/organizations/${stack.personas.organizations.acme}/leave`
      const traffic = load(`${edge.url}${path}`, stack.personas.acme.viewer.token)
      await until(async () => (await decisionsOf(second.httpAddress)) > 50, {
        what: 'traffic on both',
      })

      const { grpcAddress } = second
      second.signal('SIGTERM')
      expect(await second.ended).toBe('exited with status 0')
      second = await startTenantgate({ ...stack.env, TENANTGATE_GRPC_LISTEN: grpcAddress })
      await until(async () => (await decisionsOf(second.httpAddress)) > 50, {
        what: 'traffic on the new one',
        withinMs: 30_000,
      })
      await traffic.stop()
      expect(traffic.failed).toEqual([])
      expect(traffic.answered()).toBeGreaterThan(500)
    } finally {
      await edge.close()
      await second.close()
      await stack.close()
    }
  },
)
