import type { DecisionRecord } from '../domain/record.ts'
import type { DecisionLog } from '../ports/decision-log.ts'
import type { CreateTextSlots } from '../ports/text-slots.ts'
import { KeptDecision } from './kept-decision.ts'

/** The latest decisions of this process, in memory. */
export interface DecisionStore {
  readonly keep: (record: DecisionRecord) => void
  readonly find: (decisionId: string) => DecisionRecord | undefined
  readonly page: (query: StoreQuery) => StorePage
  readonly usage: () => { readonly entries: number; readonly bytes: number }
}

/** What to look for, newest first. */
export interface StoreQuery {
  /** Where to go on: before the decision of this number. Null: from the newest on. */
  readonly before: number | null
  readonly limit: number
  /** Decisions to look at most, whether they match or not. */
  readonly lookAt: number
  /** What the decisions of a page may hold in bytes, but for its last one: somebody writes them out. */
  readonly maxBytes: number
  readonly matches: (record: DecisionRecord) => boolean
}

/** What was found; `next` is where to go on, null: there is no older decision. */
export interface StorePage {
  readonly records: readonly DecisionRecord[]
  /** The number of each record: where to go on if only those before it are taken. */
  readonly numbers: readonly number[]
  readonly next: number | null
}

/** Bounds of a store, whose oldest decisions leave it first, and where it puts their texts. */
export interface DecisionStoreOptions {
  readonly createTexts: CreateTextSlots
  readonly maxEntries: number
  readonly maxBytes: number
}

/** Makes an empty store: a ring of places, each of which takes one decision after another. */
export function createDecisionStore({
  createTexts,
  maxBytes,
  maxEntries,
}: DecisionStoreOptions): DecisionStore {
  const texts = createTexts(maxEntries)
  const ring: KeptDecision[] = []
  /** Decisions are numbered as they come; those from `oldest` to before `next` are in the ring. */
  let oldest = 0
  let next = 0
  let bytes = 0

  const at = (number: number): KeptDecision | undefined => ring[number % maxEntries]

  function dropOldest(): void {
    const dropped = at(oldest)
    bytes -= dropped?.size ?? 0
    dropped?.clear()
    oldest += 1
  }

  /** Puts a record into the place of the next decision, which no decision has any more. */
  function put(record: DecisionRecord): KeptDecision {
    const slot = next % maxEntries
    const used = ring[slot]
    if (used !== undefined) {
      used.put(record)
      return used
    }
    const kept = new KeptDecision(slot, texts, record)
    ring.push(kept)
    return kept
  }

  return {
    keep(record) {
      if (next - oldest >= maxEntries) dropOldest()
      bytes += put(record).size
      next += 1
      while (next - oldest > 1 && bytes > maxBytes) dropOldest()
    },
    find(decisionId) {
      for (let number = next - 1; number >= oldest; number -= 1) {
        const kept = at(number)
        if (kept?.is(decisionId) === true) return kept.record()
      }
      return undefined
    },
    page({ before, limit, lookAt, matches, maxBytes: mostBytes }) {
      let held = 0
      const records: DecisionRecord[] = []
      const numbers: number[] = []
      const from = Math.min(before ?? next, next)
      const end = Math.max(oldest, from - lookAt)
      let number = from
      while (number > end && records.length < limit && held < mostBytes) {
        number -= 1
        const kept = at(number)
        const record = kept?.record()
        if (record === undefined || !matches(record)) continue
        records.push(record)
        numbers.push(number)
        held += kept?.size ?? 0
      }
      return { records, numbers, next: number > oldest ? number : null }
    },
    usage: () => ({ entries: next - oldest, bytes }),
  }
}

/** The log, with what it takes kept in a store too: also where it writes nothing itself. */
export function keepDecisions<Log extends DecisionLog>(
  log: Log,
  store: Pick<DecisionStore, 'keep'>,
  logRequired: boolean,
): Log {
  return {
    ...log,
    keepsNothing: false,
    decision(record) {
      const taken = log.decision(record)
      // What must be logged and cannot be is denied: the decision of this record is never sent.
      if (taken || !logRequired) store.keep(record)
      return taken
    },
  }
}
