import type { Change } from '../domain/change-event.ts'
import type { Fact, Pair } from '../domain/fact.ts'
import {
  acceptsUnverified,
  isCovered,
  isGone,
  isVerified,
  marginMs,
  type AgeBounds,
} from '../domain/freshness.ts'
import { ageMs, before, type Instant } from '../domain/instant.ts'
import type { Freshness } from '../domain/policy.ts'
import type { Clock } from '../ports/clock.ts'
import type { FactCache } from '../ports/fact-cache.ts'
import type { AnsweredPairs } from './answered-pairs.ts'
import type { ChangeLog } from './change-log.ts'
import type { ClockSkew } from './clock-skew.ts'
import type { FactMemory } from './fact-memory.ts'
import { createForeignFacts } from './foreign-facts.ts'
import { createForgetting } from './forget-facts.ts'
import { createLearning, type Learned, type ReadMark } from './learn-fact.ts'
import type { UserStates } from './user-states.ts'
import type { Watch } from './watch.ts'

/** A fact that may decide, and whether a refusal may rest on it too. */
export interface KnownFact {
  readonly fact: Fact
  readonly verified: boolean
}

/**
 * What this process knows of subjects and what it was told of changes, and the rules by which the
 * one may be believed in view of the other (contract section 6). It does no I/O and never waits:
 * every rule is decided in one turn, by the clocks as they are then.
 */
export interface Knowledge {
  /** What may decide on a route of this freshness now, without I/O. `at`: now, where it was read. */
  readonly known: (pair: Pair, freshness: Freshness, at?: Instant) => KnownFact | undefined
  /** Rule (c): whether a claim of the pair, issued then, may grant now. */
  readonly claimMayGrant: (pair: Pair, issuedAtMs: number) => boolean
  /** Whether no change of the pair can have been seen since then: for `whenUnavailable: claims`. */
  readonly isUnchangedSince: (pair: Pair, wallMs: number) => boolean
  /** A fact of the pair in memory, of any age, that was read after then by the wall clock. */
  readonly newerThan: (pair: Pair, wallMs: number) => Fact | undefined
  /** Whether the shared cache may be asked for the pair now. */
  readonly mayRecall: (pair: Pair) => boolean
  /** Takes a fact from the shared cache, if it is newer than everything this process was told. */
  readonly adopt: (pair: Pair, entry: Fact) => boolean
  /** A read begins. */
  readonly beginRead: () => ReadMark
  /** Whether a read may answer a request that comes now. */
  readonly isOvertaken: (pair: Pair, mark: ReadMark) => boolean
  /** Whether a read's answer is still fresh enough to decide by rule (a). */
  readonly isTimely: (mark: ReadMark) => boolean
  /** A read of PostgreSQL was answered. `expected`: what a claim that granted had said. */
  readonly learn: (pair: Pair, mark: ReadMark, fact: Fact, expected?: Fact) => Learned
  /** A change was seen. */
  readonly changed: (change: Change) => void
  /** Whether memory holds anything of the pair. */
  readonly holds: (pair: Pair) => boolean
}

/** What knowledge rests on. */
export interface KnowledgeDeps {
  readonly clock: Clock
  readonly nextOrder: () => number
  readonly bounds: AgeBounds
  readonly memory: FactMemory
  readonly changes: ChangeLog
  readonly answered: AnsweredPairs
  readonly users: UserStates
  readonly skew: ClockSkew
  readonly watch: Pick<Watch, 'coverage'>
  readonly cache: Pick<FactCache, 'put' | 'drop'>
  /** Whether a platform role of the fact is one that the policy knows. */
  readonly hasPlatformRole: (fact: Fact) => boolean
  /** A fact is used that should be verified: soon, where this process did not read it itself. */
  readonly verify: (pair: Pair, own: boolean) => boolean
  readonly schedule: (task: () => void, afterMs: number) => unknown
  /** A read found a change that nobody had told of. */
  readonly onUnannounced: () => void
}

/** Makes the knowledge of a process that was just started. */
export function createKnowledge(deps: KnowledgeDeps): Knowledge {
  const { bounds, changes, clock, memory, skew, users, watch } = deps
  const foreign = createForeignFacts(deps)
  const { current, forget } = createForgetting(deps)

  /** Whether so little time has passed since the pair's last change that a replica may lag. */
  function isUnsettled(pair: Pair, at: Instant): boolean {
    const last = changes.last(pair)
    if (last === undefined) return false
    const passedMs = Math.min(at.monotonicMs - last.at.monotonicMs, at.wallMs - last.at.wallMs)
    return passedMs <= marginMs
  }

  /** "Not a member" and "no such user" are kept for a moment only. */
  function isAbsent({ organization }: Pair, fact: Fact): boolean {
    if (!fact.user) return true
    return organization !== null && fact.rows.length === 0 && !deps.hasPlatformRole(fact)
  }

  const learning = createLearning({ ...deps, current, forget, isAbsent, isUnsettled })

  return {
    known(pair, freshness, at) {
      if (freshness === 'database') return undefined
      const held = current(memory.get(pair))
      if (held === undefined) return undefined
      const now = at ?? clock()
      // It stays in memory all the same: that it was there keeps claims out.
      if (isGone(held, now)) return undefined
      const verified = isVerified(held, now, bounds)
      if (!verified) {
        if (!acceptsUnverified(freshness)) return undefined
        if (!held.own && skew.apart()) return undefined
        if (!isCovered(held, now, watch.coverage(now), bounds)) return undefined
      }
      const renewAtMs = Math.min(bounds.verifyAfterMs, held.lifeMs) / 2
      const renew = !held.own || ageMs(held.since, now) > renewAtMs
      // What cannot be verified because too much waits must not go on granting.
      if (renew && !deps.verify(pair, held.own) && !verified) return undefined
      return { fact: held.fact, verified }
    },
    claimMayGrant: foreign.claimMayGrant,
    isUnchangedSince(pair, wallMs) {
      if (users.bars(pair.user)) return false
      if (wallMs <= changes.forgottenUntilMs() + marginMs) return false
      const last = changes.last(pair)
      return last === undefined || wallMs > last.at.wallMs + marginMs
    },
    newerThan(pair, wallMs) {
      const held = current(memory.peek(pair))
      return held !== undefined && held.fact.verifiedAtMs + marginMs > wallMs
        ? held.fact
        : undefined
    },
    mayRecall(pair) {
      const now = clock()
      return watch.coverage(now) !== null && !skew.apart() && !isUnsettled(pair, now)
    },
    adopt(pair, entry) {
      if (!foreign.mayAdopt(pair, entry) || !deps.verify(pair, false)) return false
      const now = clock()
      memory.set(
        {
          pair,
          fact: entry,
          order: deps.nextOrder(),
          since: before(now, now.wallMs - entry.verifiedAtMs + marginMs),
          own: false,
          lifeMs: bounds.cacheTtlMs,
          cachedAtMs: entry.verifiedAtMs,
        },
        isAbsent(pair, entry),
      )
      return true
    },
    beginRead: () => ({ order: deps.nextOrder(), sent: clock() }),
    isOvertaken: learning.isOvertaken,
    isTimely: ({ sent }) => ageMs(sent, clock()) <= bounds.verifyAfterMs,
    learn: learning.learn,
    changed(change) {
      const order = deps.nextOrder()
      changes.note(change, { order, at: clock() })
      if (change.user !== null && change.organization === null) users.forget(change.user)
      forget(change, order)
    },
    holds: (pair) => memory.peek(pair) !== undefined,
  }
}
