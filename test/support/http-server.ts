import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An HTTP server on loopback, and how often it was asked. */
export interface TestHttpServer {
  readonly url: string
  readonly asked: () => number
  readonly close: () => Promise<void>
}

export async function startHttpServer(
  listener: RequestListener,
  port = 0,
): Promise<TestHttpServer> {
  let asked = 0
  const server = createServer((request, response) => {
    asked += 1
    listener(request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
