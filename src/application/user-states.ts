import type { Fact } from '../domain/fact.ts'
import type { CreateBoundedMap } from '../ports/bounded-map.ts'

/**
 * What PostgreSQL last said of each user: whether it exists, is banned, and its platform roles. Any
 * read of one of its pairs tells, so what it tells counts for all of them.
 */
export interface UserStates {
  /**
   * A read said this of a user: the same as was known, or otherwise than an earlier read
   * (`changed`), or than a later one that was answered before it (`outdated`).
   */
  readonly learn: (user: string, fact: Fact, order: number) => 'same' | 'changed' | 'outdated'
  /** Whether the last reading was that the user is banned, or does not exist. */
  readonly bars: (user: string) => boolean
  /** Whether a fact read elsewhere is contradicted by a reading that is not older. */
  readonly contradicts: (user: string, fact: Fact) => boolean
  /** A change was announced: the next reading may well be another. */
  readonly forget: (user: string) => void
}

interface UserState {
  order: number
  verifiedAtMs: number
  readonly barred: boolean
  /** All that is compared, as one text. */
  readonly text: string
}

/** What an entry costs beyond its texts, in bytes. */
const entryOverheadBytes = 250

/** Knows of no user yet. */
export function createUserStates(options: {
  readonly createMap: CreateBoundedMap
  readonly maxEntries: number
}): UserStates {
  const { createMap, maxEntries } = options
  const states = createMap<UserState>({
    maxEntries,
    maxBytes: 2 * maxEntries * entryOverheadBytes,
    sizeOf: ({ text }, user) => entryOverheadBytes + 2 * (text.length + user.length),
  })
  return {
    learn(user, fact, order) {
      const before = states.peek(user)
      const text = textOf(fact)
      const differs = before !== undefined && before.text !== text
      if (before !== undefined && before.order > order) return differs ? 'outdated' : 'same'
      if (before !== undefined && !differs) {
        // Nearly all readings say what was known: nothing is made then.
        states.get(user)
        before.order = order
        before.verifiedAtMs = fact.verifiedAtMs
        return 'same'
      }
      const barred = !fact.user || fact.banned
      states.set(user, { order, verifiedAtMs: fact.verifiedAtMs, barred, text })
      return differs && before.order < order ? 'changed' : 'same'
    },
    bars: (user) => states.peek(user)?.barred === true,
    contradicts(user, fact) {
      const state = states.peek(user)
      if (state === undefined || state.verifiedAtMs < fact.verifiedAtMs) return false
      return state.text !== textOf(fact)
    },
    forget: (user) => states.delete(user),
  }
}

/** Roles hold no commas; PostgreSQL keeps their order. */
function textOf({ banned, platformRoles, user }: Fact): string {
  return user ? `${banned ? 'banned' : 'user'} ${platformRoles.join()}` : 'none'
}
