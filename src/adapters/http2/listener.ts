import { createServer, type Server, type Socket } from 'node:net'
import { AppError } from '../../domain/errors.ts'
import type { LeanTls } from './options.ts'

/** Time for a TLS handshake, in ms. */
const handshakeMs = 10_000

export interface ListenerOptions {
  readonly tls: LeanTls | undefined
  readonly maxConnections: number
  /** Plain sockets come paused, so that they can be read as `readInto` does. */
  readonly onSocket: (socket: Socket) => void
}

/** A server that accepts connections. */
export interface Listener {
  readonly server: Server
  /** Accepts no more. */
  readonly close: () => void
  /** Closes what is left, which are handshakes under way. */
  readonly abandon: () => void
}

export function createListener({ tls, maxConnections, onSocket }: ListenerOptions): Listener {
  const listener = tls === undefined ? createPlain(onSocket) : createSecure(tls, onSocket)
  listener.server.maxConnections = maxConnections
  return listener
}

function createPlain(onSocket: (socket: Socket) => void): Listener {
  const server = createServer({ noDelay: true, pauseOnConnect: true }, onSocket)
  return { server, close: () => server.close(), abandon: () => undefined }
}

function createSecure(tls: LeanTls, onSocket: (socket: Socket) => void): Listener {
  // Not imported: it takes long to load, and most listeners speak no TLS.
  const server = process.getBuiltinModule('node:tls').createServer({
    ...tls.current(),
    noDelay: true,
    handshakeTimeout: handshakeMs,
    // RFC 9113 section 9.2: TLS 1.2 or later.
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['h2'],
    requestCert: tls.mutual,
    rejectUnauthorized: tls.mutual,
  })
  const raws = new Set<Socket>()
  server.on('connection', (raw: Socket) => {
    raws.add(raw)
    raw.once('close', () => raws.delete(raw))
  })
  server.on('secureConnection', (socket) => {
    socket.disableRenegotiation() // RFC 9113 section 9.2.1
    onSocket(socket)
  })
  tls.onChanged(() => server.setSecureContext({ ...tls.current(), minVersion: 'TLSv1.2' }))
  return {
    server,
    close: () => server.close(),
    abandon: () => raws.forEach((raw) => raw.destroy()),
  }
}

/**
 * Binds to `host:port` or `unix:/path`; gives the address with the port that was bound. Rejects with
 * `CONFIG_INVALID` where it cannot be bound.
 */
export async function bind(server: Server, listen: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  server.once('error', reject)
  try {
    server.listen(addressOf(listen), () => resolve(undefined))
    await promise
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown error'
    throw new AppError('CONFIG_INVALID', `cannot listen on ${listen}: ${why}`, { cause })
  }
  server.removeListener('error', reject)
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return listen
  return listen.replace(/:\d+$/, `:${bound.port}`)
}

/** The path of a socket, or undefined. */
export function socketPath(listen: string): string | undefined {
  return listen.startsWith('unix:') ? listen.slice('unix:'.length) : undefined
}

function addressOf(listen: string): { path: string } | { host: string; port: number } {
  const path = socketPath(listen)
  if (path !== undefined) return { path }
  const colon = listen.lastIndexOf(':')
  const host = listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host, port: Number(listen.slice(colon + 1)) }
}
