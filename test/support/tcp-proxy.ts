import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A TCP proxy that can make its target vanish without a word, as a network that drops packets. */
export interface TcpProxy {
  /** The target's URL, by way of the proxy. */
  readonly url: string
  /** From now on nothing is passed on, in either direction; connections stay open. */
  readonly swallow: () => void
  /** Resets every connection, and each new one at once, as a server that is gone. */
  readonly cut: () => void
  /** From now on what the target says is passed on so many ms late, in its order. */
  readonly delay: (ms: number) => void
  /** Passes on again what comes on new connections, at once; what was swallowed is lost. */
  readonly heal: () => void
  /** How many connections clients have open, and how many they have opened. */
  readonly open: () => number
  readonly opened: () => number
  readonly close: () => Promise<void>
}

export interface TcpProxyOptions {
  /** Told of what clients send, in pieces as they come. */
  readonly onSent?: (bytes: Buffer) => void
}

export async function startTcpProxy(
  targetUrl: string,
  { onSent }: TcpProxyOptions = {},
): Promise<TcpProxy> {
  const target = new URL(targetUrl)
  const clients = new Set<Socket>()
  let opened = 0
  let swallowing = false
  let refusing = false
  let delayMs = 0
  const server = createServer((client) => {
    client.on('error', () => undefined)
    if (refusing) {
      client.resetAndDestroy()
      return
    }
    opened += 1
    clients.add(client)
    let lost = swallowing
    const upstream = lost
      ? undefined
      : connect({ host: target.hostname, port: Number(target.port) })
    const answer = inOrder(
      () => delayMs,
      (bytes) => client.write(bytes),
    )
    client.on('data', (bytes: Buffer) => {
      onSent?.(bytes)
      lost ||= swallowing
      if (!lost) upstream?.write(bytes)
    })
    upstream?.on('data', (bytes: Buffer) => {
      lost ||= swallowing
      if (!lost) answer(bytes)
    })
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
    cut() {
      refusing = true
      for (const client of clients) client.resetAndDestroy()
    },
    delay: (ms) => void (delayMs = ms),
    heal() {
      swallowing = false
      refusing = false
      delayMs = 0
    },
    open: () => clients.size,
    opened: () => opened,
    async close() {
      for (const client of clients) client.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Hands bytes over after the delay that held when they came, never before earlier ones. */
function inOrder(delayMs: () => number, pass: (bytes: Buffer) => void): (bytes: Buffer) => void {
  let dueMs = 0
  return (bytes) => {
    const nowMs = performance.now()
    dueMs = Math.max(dueMs, nowMs + delayMs())
    if (dueMs <= nowMs) pass(bytes)
    else setTimeout(() => pass(bytes), dueMs - nowMs)
  }
}
