import type { BurstSource } from '../../ports/burst.ts'
import type { UnaryHandler } from '../../ports/unary-call.ts'
import type { LeanLimits } from './limits.ts'

/** A listening server of unary gRPC methods. */
export interface LeanServer {
  /** `host:port` with the port that was bound, or `unix:` and the path. */
  readonly address: string
  /** What grpc.health.v1 answers, for the server and for its services. */
  readonly setServing: (serving: boolean) => void
  /** GOAWAY; what is under way is finished, then connections are closed. */
  readonly close: () => Promise<void>
}

/** Certificates, which may change while the server runs. */
export interface LeanTls {
  readonly current: () => LeanCertificates
  /** Calls the listener whenever `current` gives something new. */
  readonly onChanged: (listener: () => void) => void
  /** Clients must present a certificate of `ca`. */
  readonly mutual: boolean
}

export interface LeanCertificates {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca?: Buffer | undefined
}

export interface LeanServerOptions {
  /** `host:port` or `unix:/path`. */
  readonly listen: string
  readonly tls?: LeanTls | undefined
  /** By full path: `/package.Service/Method`. */
  readonly methods: ReadonlyMap<string, UnaryHandler>
  /** Full names that grpc.health.v1 knows, beside the empty one. */
  readonly services: readonly string[]
  readonly maxMessageBytes: number
  /** Told which messages were read together; absent: nobody asks. */
  readonly burst?: BurstSource | undefined
  readonly limits?: Partial<LeanLimits>
  /** Time that calls under way have to be finished once the server stops, in ms. */
  readonly drainMs: number
  readonly monotonicNow: () => number
  /** Bugs: what a handler threw. What peers do wrong is not among them. */
  readonly onFault: (cause: unknown) => void
  /** Whether plain sockets read into one buffer, which is cheaper; `false` is for tests. */
  readonly readsIntoSharedBuffer?: boolean
  /** Called with a socket's path before it is bound, as to remove a stale file. */
  readonly prepareSocket?: (path: string) => Promise<void>
}
