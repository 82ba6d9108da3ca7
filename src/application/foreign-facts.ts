import type { Fact, Pair } from '../domain/fact.ts'
import {
  isCoveredElsewhere,
  marginMs,
  maxSkewMs,
  rememberedFor,
  type AgeBounds,
} from '../domain/freshness.ts'
import { ageMs } from '../domain/instant.ts'
import type { Clock } from '../ports/clock.ts'
import type { AnsweredPairs } from './answered-pairs.ts'
import type { ChangeLog } from './change-log.ts'
import type { ClockSkew } from './clock-skew.ts'
import type { FactMemory } from './fact-memory.ts'
import type { UserStates } from './user-states.ts'
import type { Watch } from './watch.ts'

/**
 * When to believe what this process did not read itself, a claim or an entry of the shared cache:
 * only what is newer than everything it has been told (contract section 6).
 */
export interface ForeignFacts {
  /** Rule (c): whether a claim of the pair, issued then, may grant now. */
  readonly claimMayGrant: (pair: Pair, issuedAtMs: number) => boolean
  /** Whether a fact of the shared cache may be taken into memory now. */
  readonly mayAdopt: (pair: Pair, entry: Fact) => boolean
}

/** Makes the rules. */
export function createForeignFacts(deps: {
  readonly clock: Clock
  readonly bounds: AgeBounds
  readonly memory: Pick<FactMemory, 'peek'>
  readonly changes: Pick<ChangeLog, 'last'>
  readonly answered: Pick<AnsweredPairs, 'has'>
  readonly users: Pick<UserStates, 'bars' | 'contradicts'>
  readonly skew: Pick<ClockSkew, 'apart'>
  readonly watch: Pick<Watch, 'coverage'>
}): ForeignFacts {
  const { answered, bounds, changes, clock, memory, skew, users, watch } = deps
  const keepMs = rememberedFor(bounds)
  return {
    claimMayGrant(pair, issuedAtMs) {
      const now = clock()
      // First the watch: it is what notices that the clock was set.
      if (!isCoveredElsewhere(issuedAtMs, now, watch.coverage(now), bounds)) return false
      if (memory.peek(pair) !== undefined || skew.apart() || users.bars(pair.user)) return false
      const last = changes.last(pair)
      if (last !== undefined && ageMs(last.at, now) <= keepMs) return false
      return !answered.has(pair, now)
    },
    mayAdopt(pair, entry) {
      const now = clock()
      const { verifiedAtMs } = entry
      if (!isCoveredElsewhere(verifiedAtMs, now, watch.coverage(now), bounds)) return false
      if (skew.apart() || verifiedAtMs > now.wallMs + maxSkewMs) return false
      const last = changes.last(pair)
      if (last !== undefined && verifiedAtMs <= last.at.wallMs + marginMs) return false
      const held = memory.peek(pair)
      if (held !== undefined && held.fact.verifiedAtMs >= verifiedAtMs) return false
      return !users.contradicts(pair.user, entry)
    },
  }
}
