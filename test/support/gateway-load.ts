import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { extAuthz, type EnvoyConfig } from '../../src/adapters/servers/envoy-config.ts'

/** Requests until told to stop, four at a time, and what each came to. */
export function load(url: string, token: string) {
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
export function patientAuthz(config: EnvoyConfig): void {
  const service = extAuthz(config)['grpc_service'] as {
    timeout: string
    retry_policy: { retry_back_off: { max_interval: string } }
  }
  service.timeout = '5s'
  service.retry_policy.retry_back_off.max_interval = '2.4s'
}
