import type { BurstSource } from '../../ports/burst.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { LeanLimits } from './limits.ts'
import type { MethodHandler } from './stream.ts'

/** What all connections of a server share. */
export interface Shared {
  readonly limits: LeanLimits
  /** Longest message that is handed over, in bytes; instead of a longer one an empty one is. */
  readonly maxMessageBytes: number
  /** By full path, as `:path` names them. */
  readonly methods: ReadonlyMap<string, MethodHandler>
  readonly knownPaths: readonly string[]
  /** Buffers to write from, and for frames that come in parts. */
  readonly chunks: BufferPool
  readonly frames: BufferPool
  readonly clock: CoarseClock
  /** What is handed over of one read. */
  readonly burst?: BurstSource | undefined
  readonly onFault: (cause: unknown) => void
}

/**
 * Monotonic time in whole ms, set anew a few times a second: precise enough for limits of seconds.
 * Integers are kept in an object as they are, while a fraction would be one more object.
 */
export interface CoarseClock {
  nowMs: number
}
