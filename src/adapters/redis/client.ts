import { Redis } from 'ioredis'
import type { RedisAddress } from './address.ts'

/** How a client is set up. */
export interface ClientOptions {
  readonly address: RedisAddress
  /** How long to wait before connecting again, in ms. */
  readonly reconnectAfterMs: () => number
  /** Told of every fault of the connection, in words that hold no password. */
  readonly onFault: (cause: Error) => void
}

const connectTimeoutMs = 2_000
const keepAliveMs = 10_000

/**
 * A client that connects in the background, for ever, and sends each command once or not at all:
 * what waited for a connection, or was sent again, could overtake what came after it.
 */
export function createClient({ address, onFault, reconnectAfterMs }: ClientOptions): Redis {
  const { db, host, password, port, tls, username } = address
  const client = new Redis({
    host,
    port,
    db,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A connection is ready at once: the library would wait for the answers to INFO and CLIENT for
    // ever, and many users may send neither. Whoever uses the client pings first. (No
    // `connectionName` for the same reason.)
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: connectTimeoutMs,
    keepAlive: keepAliveMs,
    disconnectTimeout: 100,
    retryStrategy: reconnectAfterMs,
  })
  client.on('error', (cause: unknown) => onFault(redisFault(cause)))
  client.on('connect', () => guardReplies(client, onFault))
  return client
}

/** How the library says that a command was not sent, or that its connection broke. */
const lostConnection = /max retries per request|Stream isn't writeable|Connection is closed/

/** How servers say what they were sent: a password, or an entry. */
const echoedArguments = /,? with args .*$/s

/** An error of the library without its command, whose arguments may be a password or an entry. */
export function redisFault(cause: unknown): Error {
  const said = cause instanceof Error ? cause.message || cause.name : 'unknown error'
  const message = said.replace(echoedArguments, '')
  if (lostConnection.test(message)) return new Error('Redis: the connection is lost')
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return new Error(`Redis: ${message.includes(code) ? message : `${code} ${message}`}`)
}

/** The library throws on some replies that nobody asked for; such a peer is no Redis: hang up. */
function guardReplies({ stream }: Redis, onFault: (cause: Error) => void): void {
  for (const listener of stream.listeners('data')) {
    const read = listener as (bytes: Uint8Array) => void
    stream.off('data', read)
    stream.on('data', (bytes: Uint8Array) => {
      try {
        read.call(stream, bytes)
      } catch (cause) {
        onFault(redisFault(cause))
        stream.destroy()
      }
    })
  }
}
