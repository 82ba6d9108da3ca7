import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP proxy that can make its target vanish without a word, as a network that drops packets. */
export interface TcpProxy {
  /** The target's URL, by way of the proxy. */
  readonly url: string
  /** From now on nothing is passed on, in either direction; connections stay open. */
  readonly swallow: () => void
  /** Passes on again what comes on new connections; what was swallowed is lost. */
  readonly heal: () => void
  /** How many connections clients have open, and how many they have opened. */
  readonly open: () => number
  readonly opened: () => number
  readonly close: () => Promise<void>
}

export async function startTcpProxy(targetUrl: string): Promise<TcpProxy> {
  const target = new URL(targetUrl)
  const clients = new Set<Socket>()
  let opened = 0
  let swallowing = false
  const server = createServer((client) => {
    opened += 1
    clients.add(client)
    let lost = swallowing
    const upstream = lost
      ? undefined
      : connect({ host: target.hostname, port: Number(target.port) })
    const pass = (to: Socket | undefined) => (bytes: Buffer) => {
      lost ||= swallowing
      if (!lost) to?.write(bytes)
    }
    client.on('data', pass(upstream))
    upstream?.on('data', pass(client))
    client.on('error', () => undefined)
    upstream?.on('error', () => undefined)
    client.on('close', () => {
      clients.delete(client)
      upstream?.destroy()
    })
    upstream?.on('close', () => {
      if (!lost && !swallowing) client.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(targetUrl)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    swallow: () => void (swallowing = true),
    heal: () => void (swallowing = false),
    open: () => clients.size,
    opened: () => opened,
    async close() {
      for (const client of clients) client.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
