import type { DecisionRecord } from '../domain/record.ts'
import { matchesFilter, type DecisionFilter } from './decision-filter.ts'
import type { DecisionStore } from './decision-store.ts'

/** The latest decisions in memory, of this process or of several, in pages. */
export interface DecisionPages {
  readonly find: (decisionId: string) => Promise<DecisionRecord | undefined>
  /** Undefined: there is no such place to go on from. */
  readonly page: (query: PageQuery) => Promise<DecisionsPage | undefined>
}

/** What to look for, newest first. */
export interface PageQuery {
  /** Where to go on. Null: from the newest on. */
  readonly after: string | null
  readonly limit: number
  /** Decisions to look at most, whether they match or not. */
  readonly lookAt: number
  /** No further decision is added once those found are so large. */
  readonly maxBytes: number
  readonly filter: DecisionFilter
}

/** What was found; `next` is where to go on, null: there is no older decision. */
export interface DecisionsPage {
  readonly records: readonly DecisionRecord[]
  readonly next: string | null
}

/** A place is the number of a decision. */
const placeForm = /^(0|[1-9]\d{0,14})$/

/** The pages of one process's store. */
export function pagesOfStore(store: Pick<DecisionStore, 'find' | 'page'>): DecisionPages {
  return {
    find: (id) => Promise.resolve(store.find(id)),
    page({ after, filter, limit, lookAt, maxBytes }) {
      if (after !== null && !placeForm.test(after)) return Promise.resolve(undefined)
      const before = after === null ? null : Number(after)
      const page = store.page({
        ...{ before, limit, lookAt, maxBytes },
        matches: matchesFilter(filter),
      })
      const next = page.next === null ? null : String(page.next)
      return Promise.resolve({ records: page.records, next })
    },
  }
}
