import { authorizationService, checkPath } from './adapters/envoy/authorization-service.ts'
import { followCertificates } from './adapters/envoy/certificates.ts'
import type {
  AuthorizationServer,
  AuthorizationServerOptions,
} from './adapters/envoy/grpc-js-server.ts'
import { removeStaleSocket } from './adapters/envoy/unix-socket.ts'
import type { GrpcTransport } from './config-workers.ts'
import type { BurstSource } from './ports/burst.ts'

/** How long running checks may take to finish once the server stops, beyond their deadline. */
const lastChecksMs = 1_000

/** What either transport is started with. */
export interface GrpcComposition extends AuthorizationServerOptions {
  /** Longest message that is read, in bytes; what is longer is denied. */
  readonly maxMessageBytes: number
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
  /** Told which messages were read together, where the transport knows. */
  readonly burst?: BurstSource | undefined
}

/** Loads the configured transport ahead of its start. */
export function loadTransport(transport: GrpcTransport): Promise<unknown> {
  return transport === 'lean'
    ? import('./adapters/http2/server.ts')
    : import('./adapters/envoy/grpc-js-server.ts')
}

/**
 * Starts the configured transport; the other is not even loaded. Rejects with `CONFIG_INVALID` where
 * the address cannot be bound.
 */
export async function composeGrpc(
  transport: GrpcTransport,
  composition: GrpcComposition,
): Promise<AuthorizationServer> {
  if (transport === 'lean') return startLean(composition)
  const { startGrpcJsServer } = await import('./adapters/envoy/grpc-js-server.ts')
  return startGrpcJsServer(composition)
}

async function startLean(composition: GrpcComposition): Promise<AuthorizationServer> {
  const { burst, deadlineMs, handler, listen, maxMessageBytes, monotonicNow, onFault } = composition
  const { startLeanServer } = await import('./adapters/http2/server.ts')
  const tls = composition.tls && {
    ...followCertificates(composition.tls, onFault),
    mutual: composition.tls.clientCa !== undefined,
  }
  try {
    const server = await startLeanServer({
      ...{ listen, tls, maxMessageBytes, monotonicNow, burst, onFault },
      methods: new Map([[checkPath, handler]]),
      services: [authorizationService],
      drainMs: deadlineMs + lastChecksMs,
      prepareSocket: removeStaleSocket,
    })
    return {
      ...server,
      async close() {
        tls?.close()
        await server.close()
      },
    }
  } catch (cause) {
    tls?.close()
    throw cause
  }
}
