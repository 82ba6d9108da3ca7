import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { ServerStartError } from './child.ts'

export const LOOPBACK = '127.0.0.1'

// Below the range that Linux and macOS give to outgoing connections, so that a server that is
// stopped for a while finds its port free again.
const FIRST = 20_000
const LAST = 32_000
const ATTEMPTS = 8
const TAKEN = /address already in use|address in use|EADDRINUSE/i

/** Whether `port` can be listened on. */
export function isPortFree(port: number, host = LOOPBACK): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

async function pickPort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST)
    if (await isPortFree(port)) return port
  }
}

/**
 * Starts something on a port of its own. Another process may take the port between the look and the
 * start: then another port is tried. A port that was asked for is tried alone.
 */
export async function onFreePort<T>(
  start: (port: number) => Promise<T>,
  wanted?: number,
): Promise<T> {
  if (wanted !== undefined) return start(wanted)
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await pickPort())
    } catch (error) {
      const taken = error instanceof ServerStartError && TAKEN.test(error.log)
      if (!taken || attempt === ATTEMPTS) throw error
    }
  }
}

/** Resolves when something accepts a TCP connection there, rejects otherwise. */
export function reach(host: string, port: number, timeoutMs = 1_000): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('timeout', () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    socket.once('error', reject)
  })
}
