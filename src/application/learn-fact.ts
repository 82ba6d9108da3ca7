import type { Change } from '../domain/change-event.ts'
import { confirms, type Fact, type Pair } from '../domain/fact.ts'
import { absenceLifeMs, unsettledLifeMs, type AgeBounds } from '../domain/freshness.ts'
import type { Instant } from '../domain/instant.ts'
import type { Clock } from '../ports/clock.ts'
import type { FactCache } from '../ports/fact-cache.ts'
import type { AnsweredPairs } from './answered-pairs.ts'
import type { ChangeLog } from './change-log.ts'
import type { ClockSkew } from './clock-skew.ts'
import type { FactMemory, MemoryEntry } from './fact-memory.ts'
import type { Forgetting } from './forget-facts.ts'
import type { UserStates } from './user-states.ts'

/** When a read began: its place among reads and changes, and by the clocks. */
export interface ReadMark {
  readonly order: number
  readonly sent: Instant
}

/** What became of a read's answer. */
export type Learned =
  /** Kept; memory held nothing else of the pair. */
  | 'kept'
  /** Kept; memory (or a claim that granted) said otherwise, and nobody had told. */
  | 'changed'
  /** Not kept: a change was seen after the read began. */
  | 'overtaken'
  /** Not kept: a read that began later was answered already. */
  | 'outrun'

/**
 * What a read of PostgreSQL teaches: the newer of two reads counts, whatever order their answers
 * come in, and none counts that began before a change which this process was told of.
 */
export interface Learning {
  /** Whether a change of the pair was seen after the read began. */
  readonly isOvertaken: (pair: Pair, mark: ReadMark) => boolean
  /** A read was answered. `expected`: what a claim that granted had said. */
  readonly learn: (pair: Pair, mark: ReadMark, fact: Fact, expected?: Fact) => Learned
}

/** What learning rests on. */
export interface LearningDeps extends Forgetting {
  readonly clock: Clock
  readonly bounds: AgeBounds
  readonly memory: Pick<FactMemory, 'peek' | 'set'>
  readonly changes: Pick<ChangeLog, 'last' | 'note'>
  readonly answered: Pick<AnsweredPairs, 'note'>
  readonly users: Pick<UserStates, 'learn'>
  readonly skew: Pick<ClockSkew, 'observe'>
  readonly cache: Pick<FactCache, 'put' | 'drop'>
  readonly isAbsent: (pair: Pair, fact: Fact) => boolean
  readonly isUnsettled: (pair: Pair, at: Instant) => boolean
  readonly onUnannounced: () => void
}

/** How long a fact is kept, and what the shared cache holds of it. */
type Keeping = Pick<MemoryEntry, 'lifeMs' | 'cachedAtMs'>

/** Makes it. */
export function createLearning(deps: LearningDeps): Learning {
  const { answered, bounds, cache, changes, clock, current, forget, memory, skew, users } = deps
  const { isAbsent, isUnsettled } = deps

  function store(pair: Pair, mark: ReadMark, fact: Fact, keeping: Keeping): void {
    const { cachedAtMs, lifeMs } = keeping
    const absent = isAbsent(pair, fact)
    memory.set(
      {
        pair,
        fact,
        order: mark.order,
        since: mark.sent,
        own: true,
        lifeMs: absent ? Math.min(lifeMs, absenceLifeMs) : lifeMs,
        cachedAtMs,
      },
      absent,
    )
  }

  /** A read never replaces one that began later; with another process's, PostgreSQL's clock tells. */
  function isNewer(held: MemoryEntry, mark: ReadMark, fact: Fact): boolean {
    return held.own ? held.order > mark.order : held.fact.verifiedAtMs > fact.verifiedAtMs
  }

  function isOvertaken(pair: Pair, mark: ReadMark): boolean {
    const last = changes.last(pair)
    return last !== undefined && last.order > mark.order
  }

  /** The user is not as before: whatever was read of it earlier is void, in every organization. */
  function forgetUser({ user }: Pair, mark: ReadMark): void {
    const change: Change = { user, organization: null }
    changes.note(change, { order: mark.order, at: mark.sent })
    forget(change, mark.order)
    deps.onUnannounced()
  }

  /** Puts a fact into the shared cache, unless that holds one that is young enough; says since when. */
  function share(pair: Pair, fact: Fact, cachedAtMs: number | undefined): number | undefined {
    const isYoung =
      cachedAtMs !== undefined && fact.verifiedAtMs - cachedAtMs <= bounds.cacheTtlMs / 2
    if (isYoung || isAbsent(pair, fact)) return cachedAtMs
    cache.put(pair, fact)
    return fact.verifiedAtMs
  }

  return {
    isOvertaken,
    learn(pair, mark, fact, expected) {
      const now = clock()
      skew.observe(mark.sent, now, fact.verifiedAtMs)
      answered.note(pair, now)
      if (isOvertaken(pair, mark)) return 'overtaken'
      const ofUser = users.learn(pair.user, fact, mark.order)
      if (ofUser === 'outdated') return 'outrun'
      const userChanged = ofUser === 'changed'
      if (userChanged) forgetUser(pair, mark)
      const held = current(memory.peek(pair))
      if (held !== undefined && isNewer(held, mark, fact)) return 'outrun'

      const unsettled = isUnsettled(pair, mark.sent)
      const lifeMs = unsettled ? unsettledLifeMs : bounds.cacheTtlMs
      const believed = held?.fact ?? expected
      if (believed !== undefined && !confirms(fact, believed)) {
        // As if a change had been seen when this read began: older reads are overtaken by it.
        changes.note(pair, { order: mark.order, at: mark.sent })
        cache.drop([pair])
        if (!userChanged) deps.onUnannounced()
        store(pair, mark, fact, { lifeMs, cachedAtMs: undefined })
        return 'changed'
      }
      const cachedAtMs = unsettled ? held?.cachedAtMs : share(pair, fact, held?.cachedAtMs)
      store(pair, mark, fact, { lifeMs, cachedAtMs })
      return 'kept'
    },
  }
}
