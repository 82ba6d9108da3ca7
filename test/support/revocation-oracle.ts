import type { Route } from './freshness-policy.ts'
import type { Verdict } from './instance.ts'

/** The bounds that instances were started with, in ms. */
export interface OracleBounds {
  readonly verifyAfterMs: number
  readonly cacheTtlMs: number
}

/** One commit: from when it may hold, when it surely held, and when its event was surely out. */
export interface Commit {
  readonly allowed: boolean
  readonly sentMs: number
  readonly ackMs: number
  announcedMs?: number
}

/** What was true of somebody, in the order of the commits. Times are `performance.now()`. */
export type History = readonly Commit[]

/** Times in which PostgreSQL answered late or not at all; the last may be open. */
export interface Fault {
  readonly fromMs: number
  toMs: number
}

/** How long it may take until connections are made anew after a fault, in ms. */
const reconnectMs = 3_000
/** After how long a watch that died unnoticed is known to be broken, in ms. */
const watchMs = 5_000

/**
 * Knows when which answer is wrong by the table of contract section 6: an allow later than the bound
 * of the revocation before it, or a refusal of somebody who was given the role `VERIFY_AFTER` ago.
 */
export function createRevocationOracle(bounds: OracleBounds, postgresFaults: readonly Fault[]) {
  const { cacheTtlMs, verifyAfterMs } = bounds

  /** How much of a time PostgreSQL was faulty, reconnecting included. */
  function faultyMs(fromMs: number, toMs: number): number {
    let sum = 0
    for (const fault of postgresFaults) {
      const overlap = Math.min(toMs, fault.toMs + reconnectMs) - Math.max(fromMs, fault.fromMs)
      sum += Math.max(0, overlap)
    }
    return sum
  }

  /** Until when a request may be allowed in spite of a revocation. */
  function deadlineMs({ ackMs, announcedMs = Infinity }: Commit, route: Route, atMs: number) {
    if (route === 'database') return ackMs
    if (route === 'verified') return ackMs + verifyAfterMs
    return Math.min(
      announcedMs + Math.max(verifyAfterMs, watchMs) + 1_000,
      ackMs + verifyAfterMs + 1_000 + faultyMs(ackMs, atMs),
      ackMs + cacheTtlMs,
    )
  }

  /** Whether a state held for at least a moment of a time, as far as can be told from outside. */
  function mayHaveHeld(history: History, allowed: boolean, fromMs: number, toMs: number): boolean {
    return history.some((commit, index) => {
      const endMs = history[index + 1]?.ackMs ?? Infinity
      return commit.allowed === allowed && commit.sentMs <= toMs && endMs >= fromMs
    })
  }

  return {
    /** Why a verdict is wrong; undefined where it is right, or no verdict at all. */
    judge(history: History, route: Route, verdict: Verdict): string | undefined {
      const { allowed, ms, reason, sentMs } = verdict
      const endMs = sentMs + ms
      if (reason === 'unavailable' || reason === 'failed') return undefined
      if (!allowed) {
        const since = route === 'database' ? sentMs : sentMs - verifyAfterMs
        return mayHaveHeld(history, false, since, endMs) ? undefined : `${reason} on ${route}`
      }
      if (mayHaveHeld(history, true, sentMs, endMs)) return undefined
      const last = history.findLast((commit) => !commit.allowed && commit.ackMs < sentMs)
      if (last === undefined) return `allowed on ${route} before any role was given`
      const lateMs = sentMs - deadlineMs(last, route, sentMs)
      if (lateMs <= 0) return undefined
      const told =
        last.announcedMs === undefined ? 'never' : `after ${last.announcedMs - last.ackMs}`
      return `allowed on ${route} ${lateMs} ms late, ${sentMs - last.ackMs} ms after the commit (announced: ${told}), from ${verdict.source ?? '?'}`
    },
  }
}
