import type { Change } from '../domain/change-event.ts'
import { KeyedPair, pairKey, type Pair } from '../domain/fact.ts'
import type { HeldFact } from '../domain/freshness.ts'
import type { BoundedMap, CreateBoundedMap } from '../ports/bounded-map.ts'
import { FactNumbers } from './fact-numbers.ts'
import { FactPlace, sizeOf } from './fact-place.ts'
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
  /** What was worked out of the fact that a pair found last, for who looks ahead (`LookAhead`). */
  readonly ahead: (pair: Pair) => unknown
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
 * What an entry costs beyond its texts: objects, its row of numbers, two index entries, the map's own, and the
 * note that is kept with a fact. Measured.
 */
const entryOverheadBytes = 1_100

/** So many ages pass while the memory is filled once. */
const agesPerFilling = 16

/** Makes an empty memory. */
export function createFactMemory(options: FactMemoryOptions): FactMemory {
  const byUser = createPairIndex((pair) => pair.user)
  const byOrganization = createPairIndex((pair) => pair.organization)
  const numbers = new FactNumbers()
  const self = {}
  const setsPerAge = Math.max(1, Math.floor(options.maxEntries / agesPerFilling))
  let sets = 0
  const age = (): number => Math.floor(sets / setsPerAge)
  const map = (maxEntries: number, maxBytes: number): BoundedMap<FactPlace> =>
    options.createMap<FactPlace>({
      maxEntries,
      maxBytes,
      sizeOf: ({ standing }, key) => entryOverheadBytes + 4 * key.length + sizeOf(standing),
      onRemoved(place, key) {
        place.leave(numbers)
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
  function absentPlace(key: string): FactPlace | undefined {
    return absent.entries() === 0 ? undefined : absent.peek(key)
  }

  /** What a pair last found, if it is still here and its use need not be noted again so soon. */
  function lastFound(pair: Pair): MemoryEntry | undefined {
    if (!(pair instanceof KeyedPair)) return undefined
    const { found } = pair
    return found instanceof FactPlace && found.memory === self && found.age === age()
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
      if (!(found instanceof FactPlace)) return undefined
      return found.lifeMs > 0 ? found.note : undefined
    },
    set(entry, isAbsent) {
      const key = pairKey(entry.pair)
      const [target, other] = isAbsent ? [absent, present] : [present, absent]
      const held = target.peek(key)
      if (held !== undefined && sizeOf(held.standing) === sizeOf(entry.fact)) {
        // Renewed, as nearly all are: it stays where it is, and is found there by whoever found it before.
        held.renew(entry)
        return
      }
      if (held !== undefined) target.delete(key)
      if (other.entries() > 0) other.delete(key)
      sets += 1
      const place = new FactPlace(entry, self, age(), numbers)
      target.set(key, place)
      if (target.peek(key) !== place) {
        place.leave(numbers) // too large to be kept
        return
      }
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
