import { expect, it } from 'vitest'
import { startEnvoy } from '../../src/adapters/servers/envoy.ts'
import { startStack } from '../../src/demo/stack.ts'
import { startTenantgate } from '../../src/demo/tenantgate-process.ts'
import { load, patientAuthz } from '../support/gateway-load.ts'
import { until } from '../support/poll.ts'
import { servers } from '../support/servers.ts'

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
