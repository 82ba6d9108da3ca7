import type { Change } from '../domain/change-event.ts'
import { confirms, type Fact, type Pair } from '../domain/fact.ts'
import {
  absenceLifeMs,
  acceptsUnverified,
  isCovered,
  isGone,
  isVerified,
  marginMs,
  unsettledLifeMs,
  type AgeBounds,
} from '../domain/freshness.ts'
import { ageMs, before, type Instant } from '../domain/instant.ts'
import type { Freshness } from '../domain/policy.ts'
import { rememberFact } from '../domain/remembered-fact.ts'
import type { Clock } from '../ports/clock.ts'
import type { FactCache } from '../ports/fact-cache.ts'
import type { AnsweredPairs } from './answered-pairs.ts'
import type { ChangeLog } from './change-log.ts'
import type { ClockSkew } from './clock-skew.ts'
import type { FactMemory, MemoryEntry } from './fact-memory.ts'
import { createForeignFacts } from './foreign-facts.ts'
import { createForgetting } from './forget-facts.ts'
import type { UserStates } from './user-states.ts'
import type { Watch } from './watch.ts'

/** A fact that may decide, and whether a refusal may rest on it too. */
export interface KnownFact {
  readonly fact: Fact
  readonly verified: boolean
}

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

/** How long a fact is kept, and what the shared cache holds of it. */
type Keeping = Pick<MemoryEntry, 'lifeMs' | 'cachedAtMs'>

/** Makes the knowledge of a process that was just started. */
export function createKnowledge(deps: KnowledgeDeps): Knowledge {
  const { answered, bounds, cache, changes, clock, memory, skew, users, watch } = deps
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

  function store(pair: Pair, mark: ReadMark, fact: Fact, { cachedAtMs, lifeMs }: Keeping): void {
    const absent = isAbsent(pair, fact)
    memory.set(
      {
        pair,
        fact: rememberFact(fact),
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

  const knowledge: Knowledge = {
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
          fact: rememberFact(entry),
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
    isOvertaken(pair, mark) {
      const last = changes.last(pair)
      return last !== undefined && last.order > mark.order
    },
    isTimely: ({ sent }) => ageMs(sent, clock()) <= bounds.verifyAfterMs,
    learn(pair, mark, fact, expected) {
      const now = clock()
      skew.observe(mark.sent, now, fact.verifiedAtMs)
      answered.note(pair, now)
      if (knowledge.isOvertaken(pair, mark)) return 'overtaken'
      const ofUser = users.learn(pair.user, fact, mark.order)
      if (ofUser === 'outdated') return 'outrun'
      const userChanged = ofUser === 'changed'
      if (userChanged) {
        const change = { user: pair.user, organization: null }
        changes.note(change, { order: mark.order, at: mark.sent })
        forget(change, mark.order)
        deps.onUnannounced()
      }
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
      let cachedAtMs = held?.cachedAtMs
      const halfLifeMs = bounds.cacheTtlMs / 2
      if (cachedAtMs === undefined || fact.verifiedAtMs - cachedAtMs > halfLifeMs) {
        if (!unsettled && !isAbsent(pair, fact)) {
          cache.put(pair, fact)
          cachedAtMs = fact.verifiedAtMs
        }
      }
      store(pair, mark, fact, { lifeMs, cachedAtMs })
      return 'kept'
    },
    changed(change) {
      const order = deps.nextOrder()
      changes.note(change, { order, at: clock() })
      if (change.user !== null && change.organization === null) users.forget(change.user)
      forget(change, order)
    },
    holds: (pair) => memory.peek(pair) !== undefined,
  }
  return knowledge
}
