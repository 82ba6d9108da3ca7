import type { Instant } from '../domain/instant.ts'

/** Told by a feed what it hears, synchronously and in order. No call may throw. */
export interface ChangeFeedListener {
  /**
   * The feed begins anew: all that is published from `sinceWallMs` on is handed over, or will be.
   * Of what was published before, anything may have been missed.
   */
  readonly began: (sinceWallMs: number) => void
  /** The feed is back where it stopped and has missed nothing; it still has to be proved. */
  readonly resumed: () => void
  /** All that was published before `at` has been handed over. Never called before `began`. */
  readonly proved: (at: Instant) => void
  /**
   * A message, as it came; `subject` is without the configured prefix. `storedAtMs`: when the feed's
   * server took it, as Unix time by that server's clock, where that is known and not of the past.
   */
  readonly message: (subject: string, data: Uint8Array, storedAtMs?: number) => void
  /** The connection is lost, or cannot be relied on. */
  readonly broke: (why: string) => void
}

/** A feed of the changes that Better Auth's side publishes: NATS. It reconnects by itself. */
export interface ChangeFeed {
  readonly close: () => Promise<void>
}
