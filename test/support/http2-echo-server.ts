import type { LeanLimits } from '../../src/adapters/http2/limits.ts'
import type { LeanTls } from '../../src/adapters/http2/options.ts'
import { startLeanServer } from '../../src/adapters/http2/server.ts'
import { createEchoMethods, type EchoMethods } from './http2-echo-methods.ts'

export interface EchoServerOptions {
  /** Default: a free port of 127.0.0.1. */
  readonly listen?: string
  readonly tls?: LeanTls
  readonly limits?: Partial<LeanLimits>
  /** Default: 2 MiB. */
  readonly maxMessageBytes?: number
}

export interface EchoServer extends EchoMethods {
  readonly address: string
  readonly port: number
  /** What handlers threw. */
  readonly faults: readonly unknown[]
  readonly close: () => Promise<void>
}

/** Starts the lean transport with the methods of `test.Echo`; it is serving. */
export async function startEchoServer(options: EchoServerOptions = {}): Promise<EchoServer> {
  const { listen = '127.0.0.1:0', maxMessageBytes = 2 * 1024 * 1024, ...rest } = options
  const faults: unknown[] = []
  const echo = createEchoMethods({
    onServing: (serving) => server.setServing(serving),
    onClose: () => void server.close(),
  })
  const server = await startLeanServer({
    ...rest,
    listen,
    maxMessageBytes,
    methods: echo.methods,
    services: ['test.Echo'],
    drainMs: 2_000,
    monotonicNow: () => performance.now(),
    onFault: (cause) => faults.push(cause),
  })
  server.setServing(true)
  const { address, close } = server
  return { ...echo, address, port: Number(address.split(':').at(-1)), faults, close }
}
