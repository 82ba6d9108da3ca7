// Better Auth as a service: /api/auth/*, and /healthz for who runs it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { betterAuth } from 'better-auth'
import { toNodeHandler } from 'better-auth/node'
import { createAuth } from './auth.ts'

const { gate, options, pool } = createAuth(process.env)
const handler = toNodeHandler(betterAuth(options))
gate.start() // what was not published before the last end is, now

async function healthy(): Promise<boolean> {
  return pool.query('select 1').then(
    () => true,
    () => false,
  )
}

const server = createServer((request, response) => {
  if (request.url === '/healthz') {
    void healthy().then((ok) => response.writeHead(ok ? 200 : 503).end(ok ? 'ok\n' : 'down\n'))
  } else if (request.url?.startsWith('/api/auth/') === true) void handler(request, response)
  else response.writeHead(404).end()
})

async function stop(): Promise<void> {
  server.closeIdleConnections()
  await new Promise((resolve) => server.close(resolve))
  await gate.close()
  await pool.end()
  process.exit(0)
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop())

const { HOST = '0.0.0.0', PORT = '3000' } = process.env
server.listen(Number(PORT), HOST, () => {
  const { address, port } = server.address() as AddressInfo
  console.log(`listening at http://${address}:${port}`)
})
