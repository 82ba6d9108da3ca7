import type { Coverage } from '../domain/freshness.ts'
import { ageMs, type Instant } from '../domain/instant.ts'
import type { Clock } from '../ports/clock.ts'
import type { ChangeMark } from './change-log.ts'

/** How long ago the newest proof may have been asked for, in ms. */
const proofLifeMs = 5_000

/** How far the wall clock may move against the monotonic one without it being a jump, in ms. */
const maxDriftMs = 1_000

/**
 * Whether this process hears of every change, and since when. The clock decides that at each
 * decision: a process that stood still finds the watch broken, whatever its timers believe.
 */
export interface Watch {
  /** What the watch covers now; null while it does not hold. */
  readonly coverage: (now: Instant) => Coverage
  readonly began: (sinceWallMs: number) => void
  readonly resumed: () => void
  readonly proved: (at: Instant) => void
  readonly broke: () => void
  /** A change was forgotten: what was read before it is covered no longer. */
  readonly forgot: (mark: ChangeMark) => void
}

/** What a watch rests on. */
export interface WatchDeps {
  readonly clock: Clock
  /** The next place among reads and changes. */
  readonly nextOrder: () => number
  /** The wall clock was set, or the machine slept. */
  readonly onJump?: () => void
}

/** Makes a watch that does not hold yet. */
export function createWatch({ clock, nextOrder, onJump }: WatchDeps): Watch {
  let beginning: { readonly order: number; readonly wallMs: number } | null = null
  let proof: Instant | null = null
  let connected = false
  let offsetMs = offset(clock())

  /** The wall clock was set, or the machine slept: times on record cannot be compared any more. */
  function endOnJump(now: Instant): void {
    const driftMs = Math.abs(offset(now) - offsetMs)
    offsetMs = offset(now)
    if (driftMs <= maxDriftMs) return
    onJump?.()
    if (beginning === null) return
    beginning = { order: nextOrder(), wallMs: now.wallMs }
    proof = null
  }

  return {
    coverage(now) {
      endOnJump(now)
      if (proof === null || ageMs(proof, now) > proofLifeMs) return null
      return beginning
    },
    began(sinceWallMs) {
      endOnJump(clock())
      beginning = { order: nextOrder(), wallMs: sinceWallMs }
      proof = null
      connected = true
    },
    resumed() {
      proof = null
      connected = beginning !== null
    },
    proved(at) {
      const now = clock()
      endOnJump(now)
      // A proof asked for before a jump says nothing of the time after it.
      if (!connected || Math.abs(offset(at) - offsetMs) > maxDriftMs) return
      if (proof === null || at.monotonicMs > proof.monotonicMs) proof = at
    },
    broke() {
      proof = null
      connected = false
    },
    forgot({ order, at }) {
      if (beginning === null) return
      beginning = {
        order: Math.max(beginning.order, order),
        wallMs: Math.max(beginning.wallMs, at.wallMs),
      }
    },
  }
}

function offset({ monotonicMs, wallMs }: Instant): number {
  return wallMs - monotonicMs
}
