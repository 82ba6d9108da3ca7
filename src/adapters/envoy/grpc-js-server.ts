import { Server } from '@grpc/grpc-js'
import { AppError } from '../../domain/errors.ts'
import type { UnaryHandler } from '../../ports/unary-call.ts'
import { authorizationService, checkPath } from './authorization-service.ts'
import type { TlsFiles } from './certificates.ts'
import { serverCredentials } from './credentials.ts'
import { addHealthService } from './health.ts'
import { rawMethod, unaryGrpcJs } from './unary-grpc-js.ts'
import { removeStaleSocket } from './unix-socket.ts'

/** Longest message that the transport takes, in bytes; what is longer than a check's is denied. */
const maxTransportBytes = 4 * 1024 * 1024
/** Memory that one connection's streams may take, in MB. */
const maxSessionMemory = 128
/** Streams a connection may have open: Envoy sends all checks of a thread on one connection. */
const maxConcurrentStreams = 4_096
/** How long running checks may take to finish once the server stops, beyond their deadline. */
const lastChecksMs = 1_000

/** A listening ext_authz server. */
export interface AuthorizationServer {
  /** `host:port` with the port that was bound, or `unix:` and the path. */
  readonly address: string
  /** What grpc.health.v1 answers, for the server and for the Authorization service. */
  readonly setServing: (serving: boolean) => void
  /** GOAWAY; what is under way is finished, then connections are closed. */
  readonly close: () => Promise<void>
}

/** What the server serves, and where. */
export interface AuthorizationServerOptions {
  /** `host:port` or `unix:/path`. */
  readonly listen: string
  readonly tls: TlsFiles | undefined
  /** Answers a Check. */
  readonly handler: UnaryHandler
  /** Longest time a check takes, in ms. */
  readonly deadlineMs: number
  /** Wall clock, in ms. */
  readonly now: () => number
  readonly onFault: (cause: unknown) => void
}

/** Starts the gRPC server on grpc-js; rejects with `CONFIG_INVALID` where the address cannot be bound. */
export async function startGrpcJsServer(
  options: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const { listen } = options
  const server = new Server({
    'grpc.max_receive_message_length': maxTransportBytes,
    'grpc.max_concurrent_streams': maxConcurrentStreams,
    'grpc-node.max_session_memory': maxSessionMemory,
  })
  const health = addHealthService(server, ['', authorizationService])
  server.addService(
    { check: rawMethod(checkPath) },
    { check: unaryGrpcJs(options.handler, options.now) },
  )

  const unixPath = listen.startsWith('unix:') ? listen.slice('unix:'.length) : undefined
  if (unixPath !== undefined) await removeStaleSocket(unixPath)
  const { credentials, close: closeCertificates } = serverCredentials(options.tls, options.onFault)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.bindAsync(listen, credentials, (error, port) => (error ? reject(error) : resolve(port)))
  let port: number
  try {
    port = await promise
  } catch (cause) {
    closeCertificates()
    const why = cause instanceof Error ? cause.message : 'unknown error'
    throw new AppError('CONFIG_INVALID', `cannot listen on ${listen}: ${why}`, { cause })
  }
  return {
    address: unixPath === undefined ? listen.replace(/:\d+$/, `:${port}`) : listen,
    setServing: health.setServing,
    async close() {
      closeCertificates()
      const { promise, resolve } = Promise.withResolvers<undefined>()
      server.tryShutdown(() => resolve(undefined))
      // Health watches never end by themselves.
      const timer = setTimeout(() => {
        server.forceShutdown()
        resolve(undefined)
      }, options.deadlineMs + lastChecksMs)
      await promise
      clearTimeout(timer)
    },
  }
}
