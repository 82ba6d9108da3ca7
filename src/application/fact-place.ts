import type { Fact, Pair } from '../domain/fact.ts'
import type { Instant } from '../domain/instant.ts'
import { RememberedFact, standingAfter, type FactHolder } from '../domain/remembered-fact.ts'
import { Standing, type Said } from '../domain/standing.ts'
import type { MemoryEntry } from './fact-memory.ts'
import { at, noNumbers, type FactNumbers } from './fact-numbers.ts'

/**
 * An entry in a map. A class, so that what a pair last found can be told from anything else. It is also the
 * moment since when its fact holds, and what holds it: a check that looks at two objects looks at two places
 * in memory.
 */
export class FactPlace implements MemoryEntry, Instant, FactHolder {
  readonly pair: Pair
  standing: Standing
  note: unknown
  /** Undefined: it has left the memory. */
  memory: object | undefined
  /** The age in which it was last looked up in the map, which then noted its use. */
  age: number
  /** The row of its numbers, and where that is. */
  readonly row: number
  #numbers: Float64Array
  #start: number

  constructor(entry: MemoryEntry, memory: object, age: number, rows: FactNumbers) {
    const { organization, user } = entry.pair
    // Its own: a token's pair would keep all that is known of the token.
    this.pair = { user, organization }
    this.standing = standingAfter(undefined, entry.fact)
    this.note = undefined
    this.memory = memory
    this.age = age
    this.row = rows.take()
    this.#numbers = rows.of(this.row)
    this.#start = rows.startOf(this.row)
    this.#write(entry)
  }

  /** The same pair was read again. Where it says the same, nothing is made. */
  renew(entry: MemoryEntry): void {
    if (this.memory === undefined) return
    const standing = standingAfter(this.standing, entry.fact)
    if (standing !== this.standing) this.note = undefined
    this.standing = standing
    this.#write(entry)
  }

  /** Whatever found it may go on holding it: not what it held. */
  leave(rows: FactNumbers): void {
    if (this.memory === undefined) return
    this.memory = undefined
    this.standing = nobody
    this.note = undefined
    this.#numbers = noNumbers
    this.#start = 0
    rows.give(this.row)
  }

  /** As it is now: what is decided on it must not change with it. */
  get fact(): Fact {
    return new RememberedFact(this.standing, this.#at(at.verifiedAtMs), this)
  }

  get since(): Instant {
    return this
  }

  get monotonicMs(): number {
    return this.#at(at.sinceMonotonicMs)
  }

  get wallMs(): number {
    return this.#at(at.sinceWallMs)
  }

  get order(): number {
    return this.#at(at.order)
  }

  get own(): boolean {
    return this.#at(at.own) === 1
  }

  get lifeMs(): number {
    return this.#at(at.lifeMs)
  }

  get cachedAtMs(): number | undefined {
    const atMs = this.#at(at.cachedAtMs)
    return Number.isNaN(atMs) ? undefined : atMs
  }

  #at(number: number): number {
    return this.#numbers[this.#start + number] as number
  }

  #write({ cachedAtMs, fact, lifeMs, order, own, since }: MemoryEntry): void {
    const [numbers, start] = [this.#numbers, this.#start]
    numbers[start + at.sinceMonotonicMs] = since.monotonicMs
    numbers[start + at.sinceWallMs] = since.wallMs
    numbers[start + at.lifeMs] = lifeMs
    numbers[start + at.order] = order
    numbers[start + at.own] = own ? 1 : 0
    numbers[start + at.verifiedAtMs] = fact.verifiedAtMs
    numbers[start + at.cachedAtMs] = cachedAtMs ?? Number.NaN
  }
}

/** What is known of whom nothing is known. */
const nobody = new Standing({
  ...{ user: false, banned: false, rows: [], dynamic: new Map(), platformRoles: [] },
})

/** Roughly what the texts of a fact hold, in bytes, shared or not. */
export function sizeOf({ dynamic, platformRoles, rows }: Said): number {
  let texts = platformRoles.length
  let characters = platformRoles.join().length
  for (const row of rows) {
    texts += row.length + 2
    characters += row.join().length
  }
  for (const [role, permissions] of dynamic) {
    texts += permissions.length + 4
    characters += role.length + permissions.join().length
  }
  return 40 * texts + 2 * characters
}
