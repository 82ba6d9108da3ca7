import type { Change } from '../domain/change-event.ts'
import { KeyedPair, pairKey, type Fact, type Pair } from '../domain/fact.ts'
import type { HeldFact } from '../domain/freshness.ts'
import type { Instant } from '../domain/instant.ts'
import type { BoundedMap, CreateBoundedMap } from '../ports/bounded-map.ts'
import { createPairIndex } from './pair-index.ts'

/** A fact in memory with the pair that it is of. */
export interface MemoryEntry extends HeldFact {
  readonly pair: Pair
  /** `verified_at` of what the shared cache is believed to hold, in ms; undefined: nothing. */
  readonly cachedAtMs: number | undefined
}

/**
 * Facts in the process, found by pair, by user and by organization. Who is absent (no such user, not
 * a member) is kept apart, so that strangers never push members out.
 */
export interface FactMemory {
  readonly get: (pair: Pair) => MemoryEntry | undefined
  /** The same, without counting as use. */
  readonly peek: (pair: Pair) => MemoryEntry | undefined
  /** What a pair found last, whatever that is worth now: for who looks ahead (`LookAhead`). */
  readonly ahead: (pair: Pair) => Fact | undefined
  readonly set: (entry: MemoryEntry, absent: boolean) => void
  readonly delete: (pair: Pair) => void
  /**
   * Drops facts that a change is of and that were read before it, `max` of them; returns the pairs
   * (those of absent subjects aside), and whether there may be more.
   */
  readonly drop: (
    change: Change,
    limit: { readonly before: number; readonly max: number },
  ) => { readonly pairs: readonly Pair[]; readonly more: boolean }
  readonly usage: () => { readonly entries: number; readonly bytes: number }
}

/** Bounds of the memory. */
export interface FactMemoryOptions {
  readonly createMap: CreateBoundedMap
  readonly maxEntries: number
  readonly maxBytes: number
}

/** Absent subjects that are remembered at most. */
const maxAbsences = 10_000

/**
 * What an entry costs beyond its texts: objects, two index entries, the map's own, and the note that is
 * kept with a fact. Measured.
 */
const entryOverheadBytes = 1_400

/**
 * An entry in a map. A class, so that what a pair last found can be told from anything else; and the entry
 * itself, since a check that looks at two objects looks at two places in memory.
 */
class Place implements MemoryEntry {
  pair: Pair
  fact: Fact
  order: number
  since: Instant
  own: boolean
  lifeMs: number
  cachedAtMs: number | undefined
  /** Undefined: it has left the memory. */
  memory: object | undefined
  /** The age in which it was last looked up in the map, which then noted its use. */
  age: number

  constructor(entry: MemoryEntry, memory: object, age: number) {
    const { organization, user } = entry.pair
    // Its own: a token's pair would keep all that is known of the token.
    this.pair = { user, organization }
    this.fact = entry.fact
    this.order = entry.order
    this.since = entry.since
    this.own = entry.own
    this.lifeMs = entry.lifeMs
    this.cachedAtMs = entry.cachedAtMs
    this.memory = memory
    this.age = age
  }

  /** The same pair was read again. */
  renew(entry: MemoryEntry): void {
    this.fact = entry.fact
    this.order = entry.order
    this.since = entry.since
    this.own = entry.own
    this.lifeMs = entry.lifeMs
    this.cachedAtMs = entry.cachedAtMs
  }

  /** Whatever found it may go on holding it: not what it held. */
  leave(): void {
    this.memory = undefined
    this.fact = nothing
  }
}

/** What is known of whom nothing is known. */
const nothing: Fact = {
  ...{ user: false, banned: false, rows: [], dynamic: new Map(), platformRoles: [] },
  ...{ source: 'memory', verifiedAtMs: -Infinity },
}

/** So many ages pass while the memory is filled once. */
const agesPerFilling = 16

/** Makes an empty memory. */
export function createFactMemory(options: FactMemoryOptions): FactMemory {
  const byUser = createPairIndex((pair) => pair.user)
  const byOrganization = createPairIndex((pair) => pair.organization)
  const self = {}
  const setsPerAge = Math.max(1, Math.floor(options.maxEntries / agesPerFilling))
  let sets = 0
  const age = (): number => Math.floor(sets / setsPerAge)
  const map = (maxEntries: number, maxBytes: number): BoundedMap<Place> =>
    options.createMap<Place>({
      maxEntries,
      maxBytes,
      sizeOf: ({ fact }, key) => entryOverheadBytes + 4 * key.length + sizeOfFact(fact),
      onRemoved(place, key) {
        place.leave()
        byUser.remove(place.pair, key)
        byOrganization.remove(place.pair, key)
      },
    })
  const present = map(options.maxEntries, options.maxBytes)
  const absent = map(maxAbsences, maxAbsences * 2 * entryOverheadBytes)

  function remove(key: string): void {
    present.delete(key)
    if (absent.entries() > 0) absent.delete(key)
  }

  function peek(key: string): MemoryEntry | undefined {
    return present.peek(key) ?? absentPlace(key)
  }

  /** Most of the time nobody is absent, and who is not there would be looked for twice. */
  function absentPlace(key: string): Place | undefined {
    return absent.entries() === 0 ? undefined : absent.peek(key)
  }

  /** What a pair last found, if it is still here and its use need not be noted again so soon. */
  function lastFound(pair: Pair): MemoryEntry | undefined {
    if (!(pair instanceof KeyedPair)) return undefined
    const { found } = pair
    return found instanceof Place && found.memory === self && found.age === age()
      ? found
      : undefined
  }

  return {
    get(pair) {
      const last = lastFound(pair)
      if (last !== undefined) return last
      const key = pairKey(pair)
      const place = present.get(key) ?? (absent.entries() === 0 ? undefined : absent.get(key))
      if (place === undefined) return undefined
      place.age = age()
      if (pair instanceof KeyedPair) pair.found = place
      return place
    },
    peek: (pair) => peek(pairKey(pair)),
    ahead(pair) {
      if (!(pair instanceof KeyedPair)) return undefined
      const { found } = pair
      if (!(found instanceof Place)) return undefined
      // By which the decision will tell how old the fact is.
      const { monotonicMs, wallMs } = found.since
      return monotonicMs + wallMs < 0 ? undefined : found.fact
    },
    set(entry, isAbsent) {
      const key = pairKey(entry.pair)
      const target = isAbsent ? absent : present
      const held = target.peek(key)
      if (held !== undefined && sizeOfFact(held.fact) === sizeOfFact(entry.fact)) {
        // Renewed, as nearly all are: it stays where it is, and is found there by whoever found it before.
        held.renew(entry)
        return
      }
      remove(key)
      sets += 1
      const place = new Place(entry, self, age())
      target.set(key, place)
      if (target.peek(key) !== place) return // too large to be kept
      byUser.add(entry.pair, key)
      byOrganization.add(entry.pair, key)
    },
    delete: (pair) => remove(pairKey(pair)),
    drop(change, { before, max }) {
      const { organization, user } = change
      if (user !== null && organization !== null) {
        const pair = { user, organization }
        remove(pairKey(pair))
        return { pairs: [pair], more: false }
      }
      const keys: string[] = []
      for (const key of user === null ? byOrganization.of(organization) : byUser.of(user)) {
        const entry = peek(key)
        if (entry !== undefined && entry.order < before) keys.push(key)
        if (keys.length === max) break
      }
      const pairs: Pair[] = []
      for (const key of keys) {
        const entry = present.peek(key)
        if (entry !== undefined) pairs.push(entry.pair)
        remove(key)
      }
      return { pairs, more: keys.length === max }
    },
    usage: () => ({
      entries: present.entries() + absent.entries(),
      bytes: present.bytes() + absent.bytes(),
    }),
  }
}

/** Roughly what a fact's texts hold, in bytes. */
function sizeOfFact({ dynamic, platformRoles, rows }: Fact): number {
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
