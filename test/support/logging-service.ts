import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { startTenantgate, type TenantgateProcess } from '../../src/demo/tenantgate-process.ts'
import { authorizationClient, httpRequestBytes } from './authorization-client.ts'
import { testFolder } from './folder.ts'
import { secret } from './instance.ts'
import { parseExposition } from './prometheus-text.ts'

/** A `serve` that decides without any database: everybody may GET /open. */
export interface LoggingService {
  readonly process: TenantgateProcess
  /** Asks under this request id, each worker in turn; resolves with the HTTP status of the answer, 200 for an allow. */
  readonly ask: (requestId: string, path?: string) => Promise<number>
  /** Asks so many times, some at once; resolves with the statuses. */
  readonly askMany: (count: number, requestId: (index: number) => string) => Promise<number[]>
  readonly metric: (name: string) => Promise<number>
}

const policy = JSON.stringify({
  version: 1,
  tenant: { path: 'organizationId' },
  roles: { staff: ['doc:read'] },
  routes: [
    { name: 'open', match: 'GET /open', access: 'public' },
    { name: 'doc', match: 'GET /doc/{organizationId}', permission: 'doc:read' },
  ],
})
const atOnce = 50

/** Starts it for one test. */
export async function startLoggingService(
  env: Readonly<Record<string, string>>,
): Promise<LoggingService> {
  const file = join(testFolder(), 'policy.yaml')
  writeFileSync(file, policy)
  const process = await startTenantgate({
    TENANTGATE_POLICY: file,
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    BETTER_AUTH_SECRET: secret,
    TENANTGATE_DEADLINE: '5s',
    ...env,
  })
  const clients = process.workerAddresses.map((address) => authorizationClient(address))
  let turn = 0
  onTestFinished(async () => {
    for (const client of clients) client.close()
    await process.close()
  })
  async function ask(requestId: string, path = '/open'): Promise<number> {
    const headers = { 'x-request-id': requestId }
    const client = clients[(turn += 1) % clients.length]
    const answer = await client?.check(httpRequestBytes({ method: 'GET', path, headers }))
    return answer?.httpStatus ?? 200
  }
  return {
    process,
    ask,
    async askMany(count, requestId) {
      const statuses: number[] = []
      for (let index = 0; index < count; index += atOnce) {
        const some = Array.from({ length: Math.min(atOnce, count - index) }, (_, more) =>
          ask(requestId(index + more)),
        )
        statuses.push(...(await Promise.all(some)))
      }
      return statuses
    },
    async metric(name) {
      const response = await fetch(`http://${process.httpAddress}/metrics`)
      return parseExposition(await response.text()).value(name) ?? 0
    },
  }
}
