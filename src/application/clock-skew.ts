import { maxSkewMs } from '../domain/freshness.ts'
import type { Instant } from '../domain/instant.ts'

/** Follows how far PostgreSQL's clock is from the process's, as every read shows. */
export interface ClockSkew {
  /** A statement that was sent and answered at these moments began at `verifiedAtMs`. */
  readonly observe: (sent: Instant, answered: Instant, verifiedAtMs: number) => void
  /** The process's clock was set: nothing is known until the next read. */
  readonly forget: () => void
  /** Whether the clocks are too far apart to compare times of other machines. */
  readonly apart: () => boolean
  /** PostgreSQL's clock less the process's, in ms; 0 where the reads cannot tell. */
  readonly ms: () => number
}

/** How long a read may have taken to tell anything about clocks, in ms. */
const tellingMs = 1_000

/** Supposes at first that the clocks agree, until a read shows otherwise. */
export function createClockSkew(): ClockSkew {
  let skewMs = 0
  let forgotten = false
  return {
    observe(sent, answered, verifiedAtMs) {
      if (answered.monotonicMs - sent.monotonicMs > tellingMs) return
      forgotten = false
      if (verifiedAtMs < sent.wallMs) skewMs = verifiedAtMs - sent.wallMs
      else skewMs = Math.max(0, verifiedAtMs - answered.wallMs)
    },
    forget() {
      forgotten = true
    },
    apart: () => forgotten || Math.abs(skewMs) > maxSkewMs,
    ms: () => skewMs,
  }
}
