import type { Change } from '../domain/change-event.ts'
import { pairKey, type Pair } from '../domain/fact.ts'
import { rememberedMs } from '../domain/freshness.ts'
import type { Instant } from '../domain/instant.ts'

/** When a change was seen, among reads and changes and by the clocks. */
export interface ChangeMark {
  readonly order: number
  readonly at: Instant
}

/** Remembers the last change of each pair, user and organization: for 15 min or more, and only so many. */
export interface ChangeLog {
  readonly note: (change: Change, mark: ChangeMark) => void
  /** The last change that a pair was part of; one that was forgotten too soon counts for all. */
  readonly last: (pair: Pair) => ChangeMark | undefined
  /** The place of the newest change that was of more than one pair; -1: there was none. */
  readonly wideOrder: () => number
  /** Unix time in ms of the newest change that is remembered no longer, of whatever it was. */
  readonly forgottenUntilMs: () => number
  readonly size: () => number
}

/** Bounds of the log. */
export interface ChangeLogOptions {
  readonly maxEntries: number
  /** How long a change is remembered, in ms. */
  readonly keepMs?: number
  /** Told of a change that had to be forgotten before its time. */
  readonly onForgotten: (mark: ChangeMark) => void
}

/** Makes an empty log. */
export function createChangeLog(options: ChangeLogOptions): ChangeLog {
  const { keepMs = rememberedMs, maxEntries, onForgotten } = options
  /** In the order of their last change, so that the oldest come first. */
  const marks = new Map<string, ChangeMark>()
  /** How many of them are of which kind: what there is none of need not be looked up. */
  const counts = { user: 0, organization: 0, pair: 0 }
  let forgotten: ChangeMark | undefined
  let forgottenUntilMs = -Infinity
  let wideOrder = -1

  function forgetOld(now: Instant): void {
    for (const [key, mark] of marks) {
      const old = now.monotonicMs - mark.at.monotonicMs > keepMs
      if (!old && marks.size <= maxEntries) return
      marks.delete(key)
      counts[kindOfKey(key)] -= 1
      forgottenUntilMs = Math.max(forgottenUntilMs, mark.at.wallMs)
      if (old) continue
      if (forgotten === undefined || mark.order > forgotten.order) forgotten = mark
      onForgotten(mark)
    }
  }

  return {
    note(change, mark) {
      const wide = change.user === null || change.organization === null
      if (wide) wideOrder = Math.max(wideOrder, mark.order)
      const key = keyOf(change)
      const before = marks.get(key)
      if (before !== undefined && before.order > mark.order) return
      if (!marks.delete(key)) counts[kindOfKey(key)] += 1
      marks.set(key, mark)
      forgetOld(mark.at)
    },
    last(pair) {
      const { organization, user } = pair
      let last = forgotten
      if (counts.user > 0) last = later(last, marks.get(keyOf({ user, organization: null })))
      if (organization === null) return last
      if (counts.organization > 0)
        last = later(last, marks.get(keyOf({ user: null, organization })))
      return counts.pair > 0 ? later(last, marks.get(keyOf(pair))) : last
    },
    wideOrder: () => wideOrder,
    forgottenUntilMs: () => forgottenUntilMs,
    size: () => marks.size,
  }
}

function later(one: ChangeMark | undefined, other: ChangeMark | undefined): ChangeMark | undefined {
  return other !== undefined && other.order > (one?.order ?? -1) ? other : one
}

type Kind = 'user' | 'organization' | 'pair'

const kinds: Readonly<Record<string, Kind>> = { o: 'organization', p: 'pair' }

const kindOfKey = (key: string): Kind => kinds[key.charAt(0)] ?? 'user'

function keyOf({ user, organization }: Change): string {
  if (user === null) return `o ${organization ?? ''}`
  return organization === null ? `u ${user}` : `p ${pairKey({ user, organization })}`
}
