// A process of its own, run by Node and by Bun: a Better Auth server as AUTH_OPTIONS describes it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { toNodeHandler } from 'better-auth/node'
import { tenantgateSql } from '../../packages/better-auth/src/sql.ts'
import { createAuth } from './auth.ts'
import type { ServerOptions } from './auth-process.ts'

const options = JSON.parse(process.env['AUTH_OPTIONS'] ?? '{}') as ServerOptions & {
  readonly port: number
}
const server = createServer()
await new Promise<void>((resolve) => server.listen(options.port, '127.0.0.1', resolve))
const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const { migrate, open, pool } = await createAuth({ ...options, baseURL })
if (options.prepare !== undefined) await migrate()
if (options.prepare === 'outbox') await pool.query(tenantgateSql())
const auth = open()
const handler = toNodeHandler(auth)

/** For what has no HTTP endpoint. */
async function addMember(body: string): Promise<string> {
  const member = JSON.parse(body) as { userId: string; organizationId: string; role: 'staff' }
  return JSON.stringify(await auth.api.addMember({ body: member }))
}

server.on('request', (request, response) => {
  if (request.url !== '/add-member') void handler(request, response)
  else {
    void text(request)
      .then(addMember)
      .then((answer) => response.end(answer))
  }
})
process.stdout.write(`listening at ${baseURL}\n`)
