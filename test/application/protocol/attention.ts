import { pairKey } from '../../../src/domain/fact.ts'
import type { Observation } from './oracle.ts'
import type { Surroundings } from './surroundings.ts'
import { concerns, misses, versionOf } from './truth.ts'

/** What a process owes a subject who is active while nothing is wrong. */
export interface Attention {
  /** Judges a decision by those made of the pair before; returns the promise that was broken. */
  readonly judge: (seen: Observation) => string | undefined
  /** The process has started anew. */
  readonly forget: () => void
}

/** How soon a used fact has to be verified, all in all, in ms. */
const verifiedWithinMs = 1_000
/** An active subject comes again within this time, in ms. */
const activeMs = 500
/** How long a request may take while all is well, in ms. */
const answerMs = 600

interface Use {
  /** The fact that has to be verified, and since when that is known. */
  readonly verifiedAtMs: number
  readonly isClaim: boolean
  readonly sinceMs: number
}

/** Follows one process. */
export function createAttention(world: Surroundings): Attention {
  const uses = new Map<string, Use>()
  const active = new Map<string, { readonly sinceMs: number; readonly lastMs: number }>()
  const { database, scenario, timeline, truth } = world
  const { verifyAfterMs } = scenario.bounds

  const calmSinceMs = ({ process }: Observation): number =>
    Math.max(database.disturbedAtMs(), process.machine.disturbedAtMs())

  /** "A used fact …, one adopted from Redis, and the pair of a claim that granted" are verified. */
  function unverified(seen: Observation): string | undefined {
    const { fact, reason, route, token } = seen
    const key = pairKey(token.pair)
    if (fact === null || reason !== 'granted' || route.inOutage) return undefined
    const nowMs = timeline.nowMs()
    const isClaim = fact.source === 'claims'
    const isOld = nowMs - fact.verifiedAtMs > verifyAfterMs / 2 + 1
    const queued = isClaim || fact.source === 'redis' || (fact.source === 'memory' && isOld)
    const use = uses.get(key)
    const same = isClaim ? use?.isClaim === true : use?.verifiedAtMs === fact.verifiedAtMs
    // Adopted anew, it begins anew: memory had no room for it until its verification.
    if (!queued || use === undefined || !same || fact.source === 'redis') {
      if (queued) uses.set(key, { verifiedAtMs: fact.verifiedAtMs, isClaim, sinceMs: nowMs })
      else uses.delete(key)
      return undefined
    }
    const calm = calmSinceMs(seen) + verifiedWithinMs < use.sinceMs
    if (!calm || nowMs - use.sinceMs <= verifiedWithinMs) return undefined
    return `a ${fact.source} fact in use was not verified within ${verifiedWithinMs} ms`
  }

  /** "No event comes, the subject is active: `VERIFY_AFTER` + 1 s." */
  function lateForActive(seen: Observation): string | undefined {
    const { fact, token } = seen
    const key = pairKey(token.pair)
    const nowMs = timeline.nowMs()
    const before = active.get(key)
    const goesOn = before !== undefined && nowMs - before.lastMs <= activeMs
    const sinceMs = goesOn ? before.sinceMs : nowMs
    active.set(key, { sinceMs, lastMs: nowMs })
    if (fact === null || seen.reason === 'unavailable' || seen.route.inOutage) return undefined
    const version = fact.source === 'claims' ? token.version : versionOf(fact)
    const fromMs = Math.max(sinceMs, calmSinceMs(seen))
    for (const commit of truth.commits) {
      if (!concerns(commit, token.pair) || !misses(version, commit)) continue
      const lateMs = nowMs - Math.max(commit.atMs + scenario.replicaLagMs, fromMs)
      if (lateMs > verifyAfterMs + 1_000) return 'an active subject, later than VERIFY_AFTER + 1 s'
    }
    return undefined
  }

  /** Outages of Redis and NATS, and lost messages, are never seen by a client. */
  function refusedWithoutNeed(seen: Observation): string | undefined {
    if (seen.reason !== 'unavailable') return undefined
    const calm = calmSinceMs(seen) + answerMs < seen.arrivedAtMs
    return calm ? 'unavailable although the database answers' : undefined
  }

  return {
    judge: (seen) => unverified(seen) ?? lateForActive(seen) ?? refusedWithoutNeed(seen),
    forget() {
      uses.clear()
      active.clear()
    },
  }
}
