import { BufferPool } from './buffer-pool.ts'
import { createHealth } from './health.ts'
import { defaultLimits, type LeanLimits } from './limits.ts'
import { bind, createListener, socketPath } from './listener.ts'
import type { LeanServer, LeanServerOptions } from './options.ts'
import { frameHeaderBytes, maxFrameBytes } from './protocol.ts'
import { Sessions } from './sessions.ts'
import type { Shared } from './shared.ts'
import type { MethodHandler } from './stream.ts'

/** A read takes at most so much; a write is made of as much. */
const chunkBytes = 64 * 1024
/** Buffers that are kept for the next who writes, or has a frame in parts. */
const maxFreeBuffers = 16

/**
 * Starts a server of unary gRPC methods, with grpc.health.v1 beside them. Rejects with
 * `CONFIG_INVALID` where the address cannot be bound.
 */
export async function startLeanServer(options: LeanServerOptions): Promise<LeanServer> {
  const { listen, tls, onFault } = options
  const health = createHealth(['', ...options.services])
  const shared = createShared(options, new Map([...options.methods, ...health.methods]))
  const isShared = tls === undefined && (options.readsIntoSharedBuffer ?? true)
  const sessions = new Sessions(shared, isShared ? Buffer.allocUnsafeSlow(chunkBytes) : undefined)
  const listener = createListener({
    tls,
    maxConnections: shared.limits.maxConnections,
    onSocket: (socket) => sessions.add(socket),
  })
  const path = socketPath(listen)
  if (path !== undefined) await options.prepareSocket?.(path)
  const address = await bind(listener.server, listen)
  listener.server.on('error', onFault) // as where no more files may be opened
  const ticker = setInterval(() => sessions.tick(options.monotonicNow()), shared.limits.tickMs)
  ticker.unref()

  return {
    address,
    setServing: health.setServing,
    async close() {
      listener.close()
      health.close()
      await sessions.close(options.drainMs)
      listener.abandon()
      clearInterval(ticker)
    },
  }
}

function createShared(
  options: LeanServerOptions,
  methods: ReadonlyMap<string, MethodHandler>,
): Shared {
  const limits: LeanLimits = { ...defaultLimits, ...options.limits }
  return {
    limits,
    maxMessageBytes: options.maxMessageBytes,
    burst: options.burst,
    methods,
    knownPaths: [...methods.keys()],
    chunks: new BufferPool(chunkBytes, maxFreeBuffers),
    frames: new BufferPool(frameHeaderBytes + maxFrameBytes, maxFreeBuffers),
    clock: { nowMs: Math.trunc(options.monotonicNow()) },
    onFault: options.onFault,
  }
}
