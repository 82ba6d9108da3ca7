import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as an upstream behind Envoy received it. */
export interface ReceivedRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

export interface Upstream {
  /** `127.0.0.1:PORT`, as Envoy wants it. */
  readonly address: string
  readonly url: string
  /** What came since the start or the last `clear`, oldest first; the last 1000. */
  readonly requests: () => readonly ReceivedRequest[]
  readonly clear: () => void
  readonly close: () => Promise<void>
}

const REMEMBERED = 1_000

/** An upstream that answers 200 and shows what it received. Port 0 takes a free one. */
export async function startUpstream(port = 0): Promise<Upstream> {
  const received: ReceivedRequest[] = []
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    const seen = { method, path: url, headers }
    received.push(seen)
    if (received.length > REMEMBERED) received.shift()
    request.resume()
    const body = JSON.stringify(seen)
    // Head and body in one write: two would meet Nagle and delayed ACK, 40 ms through Envoy.
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    address,
    url: `http://${address}`,
    requests: () => [...received],
    clear: () => received.splice(0),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
