import { sameTexts, type Fact, type FactSource } from './fact.ts'

/**
 * A fact as memory holds it, for many requests. A class, so that the text of it, which the line of each
 * of them repeats, is made once.
 */
class RememberedFact implements Fact {
  readonly user: boolean
  readonly banned: boolean
  readonly rows: readonly (readonly string[])[]
  readonly dynamic: ReadonlyMap<string, readonly string[]>
  readonly platformRoles: readonly string[]
  readonly source: FactSource = 'memory'
  readonly verifiedAtMs: number
  #texts: RecordedTexts | undefined
  #note: unknown

  constructor(fact: Fact, verifiedAtMs = fact.verifiedAtMs) {
    this.user = fact.user
    this.banned = fact.banned
    this.rows = fact.rows
    this.dynamic = fact.dynamic.size === 0 ? none : fact.dynamic
    this.platformRoles = fact.platformRoles
    this.verifiedAtMs = verifiedAtMs
  }

  get texts(): RecordedTexts {
    return (this.#texts ??= new RecordedTexts(this))
  }

  /** The same, read again then, with all that was worked out of it. */
  renewed(verifiedAtMs: number): RememberedFact {
    const fact = new RememberedFact(this, verifiedAtMs)
    fact.#texts = this.#texts
    fact.#note = this.#note
    return fact
  }

  static noteOf(fact: Fact): unknown {
    return fact instanceof RememberedFact ? fact.#note : undefined
  }

  static keepNote(fact: Fact, note: object): void {
    if (fact instanceof RememberedFact) fact.#note = note
  }
}

/** What `keepNote` kept last with a fact, of whatever kind; undefined: nothing. */
export function noteOf(fact: Fact): unknown {
  return RememberedFact.noteOf(fact)
}

/**
 * Keeps what was worked out of a fact with it, for as long as memory holds it; with one that memory does
 * not hold nothing is kept. Whoever keeps one bounds it: memory counts 500 bytes for each fact.
 */
export function keepNote(fact: Fact, note: object): void {
  RememberedFact.keepNote(fact, note)
}

/** Shared: a map of its own would be the largest part of a fact in memory. */
const none: Fact['dynamic'] = new Map()
const noneRecorded: Readonly<Record<string, readonly string[]>> = {}

/** What all records of one fact share. */
class RecordedTexts {
  readonly dynamic: Readonly<Record<string, readonly string[]>>
  #text: string | undefined

  constructor({ dynamic }: Fact) {
    this.dynamic = dynamic.size === 0 ? noneRecorded : Object.fromEntries(dynamic)
  }

  /** The text of a record up to the value of `age_ms`, its last field. */
  upToAge(record: RecordedFact): string {
    this.#text ??= JSON.stringify(Object.assign({}, record, { age_ms: 0 })).slice(0, -'0}'.length)
    return this.#text
  }
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
  readonly #texts: RecordedTexts

  constructor(fact: Fact, texts: RecordedTexts, ageMs: number) {
    this.source = fact.source
    this.rows = fact.rows
    this.dynamic = texts.dynamic
    this.platform_roles = fact.platformRoles
    this.banned = fact.banned
    this.user = fact.user
    this.age_ms = ageMs
    this.#texts = texts
  }

  /** The text of one in a line. */
  static textOf(fact: object): string {
    return fact instanceof RecordedFact
      ? `${fact.#texts.upToAge(fact)}${fact.age_ms}}`
      : JSON.stringify(fact)
  }
}

/** Makes what memory holds of a fact. `before`: what it held of the same pair. */
export function rememberFact(fact: Fact, before?: Fact): Fact {
  return before instanceof RememberedFact && saysTheSame(fact, before)
    ? before.renewed(fact.verifiedAtMs)
    : new RememberedFact(fact)
}

/** Whether two facts say the same in the same order, as records and headers repeat it. */
function saysTheSame(a: Fact, b: Fact): boolean {
  return (
    a.user === b.user &&
    a.banned === b.banned &&
    a.dynamic.size === 0 &&
    b.dynamic.size === 0 &&
    sameTexts(a.platformRoles, b.platformRoles) &&
    a.rows.length === b.rows.length &&
    a.rows.every((row, index) => sameTexts(row, b.rows[index] ?? []))
  )
}

/** What a record of a decision at `nowMs` says of the fact that it rested on. */
export function factRecord(fact: Fact, nowMs: number): RecordedFact {
  const ageMs = Math.max(0, Math.round(nowMs - fact.verifiedAtMs))
  const texts = fact instanceof RememberedFact ? fact.texts : new RecordedTexts(fact)
  return new RecordedFact(fact, texts, ageMs)
}
