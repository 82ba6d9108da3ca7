import type { Pair } from '../domain/fact.ts'

/** Keys of pairs, by a name that they share. */
export interface PairIndex {
  readonly add: (pair: Pair, key: string) => void
  readonly remove: (pair: Pair, key: string) => void
  readonly of: (name: string | null) => Iterable<string>
}

/** The keys of all pairs that share a user, or an organization. */
export function createPairIndex(nameOf: (pair: Pair) => string | null): PairIndex {
  /** A set only where there are two or more, for most users have one: it takes longer than the rest. */
  const keys = new Map<string, string | Set<string>>()
  return {
    add(pair, key) {
      const name = nameOf(pair)
      if (name === null) return
      const found = keys.get(name)
      if (found === undefined) keys.set(name, key)
      else if (typeof found !== 'string') found.add(key)
      else if (found !== key) keys.set(name, new Set([found, key]))
    },
    remove(pair, key) {
      const name = nameOf(pair)
      const found = name === null ? undefined : keys.get(name)
      if (name === null || found === undefined) return
      if (typeof found === 'string') {
        if (found === key) keys.delete(name)
        return
      }
      found.delete(key)
      if (found.size === 0) keys.delete(name)
    },
    of(name) {
      const found = name === null ? undefined : keys.get(name)
      return typeof found === 'string' ? [found] : (found ?? [])
    },
  }
}
