import type { Fact, FactSource } from './fact.ts'
import { Standing, standingOf, type Said } from './standing.ts'

/** What memory keeps of a subject while it holds a fact of it. */
export interface FactHolder {
  /** What the fact says that is held now. */
  readonly standing: Standing
  /** What was worked out of that for answers to this subject. */
  note: unknown
}

/**
 * A fact of memory as one decision finds it. Memory goes on, and holds a newer one before the decision is
 * logged: so what a decision rests on is its own.
 */
export class RememberedFact implements Fact {
  readonly user: boolean
  readonly banned: boolean
  readonly rows: readonly (readonly string[])[]
  readonly dynamic: ReadonlyMap<string, readonly string[]>
  readonly platformRoles: readonly string[]
  readonly source: FactSource = 'memory'
  readonly verifiedAtMs: number
  readonly #standing: Standing
  readonly #holder: FactHolder

  constructor(standing: Standing, verifiedAtMs: number, holder: FactHolder) {
    this.user = standing.user
    this.banned = standing.banned
    this.rows = standing.rows
    this.dynamic = standing.dynamic
    this.platformRoles = standing.platformRoles
    this.verifiedAtMs = verifiedAtMs
    this.#standing = standing
    this.#holder = holder
  }

  static standingOf(fact: Said): Standing | undefined {
    return fact instanceof RememberedFact ? fact.#standing : undefined
  }

  /** Who holds it, unless that says something else by now. */
  static holderOf(fact: Fact): FactHolder | undefined {
    if (!(fact instanceof RememberedFact)) return undefined
    return fact.#holder.standing === fact.#standing ? fact.#holder : undefined
  }
}

/** What `keepNote` kept last with a fact, of whatever kind; undefined: nothing. */
export function noteOf(fact: Fact): unknown {
  return RememberedFact.holderOf(fact)?.note
}

/**
 * Keeps what was worked out of a fact with it, for as long as memory holds one that says the same of the
 * subject; with one that memory does not hold nothing is kept. Whoever keeps one bounds it: memory counts
 * 500 bytes for each fact.
 */
export function keepNote(fact: Fact, note: object): void {
  const holder = RememberedFact.holderOf(fact)
  if (holder !== undefined) holder.note = note
}

/** What a fact says. `before`: what was held of the same subject. */
export function standingAfter(before: Standing | undefined, fact: Said): Standing {
  return before?.isOf(fact) === true
    ? before
    : (RememberedFact.standingOf(fact) ?? standingOf(fact))
}

/** A fact as memory would hold it, by itself. */
export function rememberFact(fact: Fact): Fact {
  const standing = standingAfter(undefined, fact)
  return new RememberedFact(standing, fact.verifiedAtMs, { standing, note: undefined })
}

/** A fact as records hold it; its fields are those of the record, in their order there. */
export class RecordedFact {
  readonly source: FactSource
  readonly rows: readonly (readonly string[])[]
  readonly dynamic: Readonly<Record<string, readonly string[]>>
  readonly platform_roles: readonly string[]
  readonly banned: boolean
  readonly user: boolean
  readonly age_ms: number
  /** Of a fact of memory: its text but for its age is made once for all who share it. */
  readonly #standing: Standing | undefined

  constructor(fact: Fact, ageMs: number) {
    const standing = RememberedFact.standingOf(fact)
    this.source = fact.source
    this.rows = fact.rows
    this.dynamic = (standing ?? new Standing(fact)).recordedDynamic
    this.platform_roles = fact.platformRoles
    this.banned = fact.banned
    this.user = fact.user
    this.age_ms = ageMs
    this.#standing = standing
  }

  /** The text of one in a line. */
  static textOf(fact: object): string {
    return fact instanceof RecordedFact && fact.#standing !== undefined
      ? `${fact.#standing.recordTextUpToAge(fact)}${fact.age_ms}}`
      : JSON.stringify(fact)
  }
}

/** What a record of a decision at `nowMs` says of the fact that it rested on. */
export function factRecord(fact: Fact, nowMs: number): RecordedFact {
  return new RecordedFact(fact, Math.max(0, Math.round(nowMs - fact.verifiedAtMs)))
}
