import type { DecisionRecord } from '../domain/record.ts'
import type { DecisionPages, PageQuery } from './decision-pages.ts'
import type { WorkerDecisions } from './worker-talk.ts'

/** What decisions of several workers rest on; `index` counts from 0. */
export interface PooledDecisionsDeps {
  readonly count: number
  /** Counts the processes that a worker has had: each numbers its decisions anew. */
  readonly incarnation: (index: number) => number
  readonly find: (index: number, decisionId: string) => Promise<DecisionRecord | undefined>
  /** Undefined: the worker does not answer. */
  readonly page: (index: number, query: WorkerQuery) => Promise<WorkerDecisions | undefined>
}

/** What one worker is asked for. */
export interface WorkerQuery extends Omit<PageQuery, 'after'> {
  readonly before: number | null
}

/** Where to go on at one worker, of one of its processes; `before` null: from the newest on. */
interface Place {
  readonly incarnation: number
  readonly before: number | null
  /** Nothing older is there. */
  readonly done: boolean
}

/** The process, then nothing: from the newest on; a number: before that one; a dash: done. */
const placeForm = '[0-9a-z]{1,7}(?:-(?:-|[0-9a-z]{1,10}))?'
const placesForm = new RegExp(`^${placeForm}(?:\\.${placeForm})*$`)

/**
 * The pages of several workers as one, newest first by decision id (a UUIDv7). What a process that
 * has ended kept is gone. A worker that does not answer is left out of the page and asked again by
 * the next one.
 */
export function createPooledDecisions(deps: PooledDecisionsDeps): DecisionPages {
  const { count } = deps
  const indexes = Array.from({ length: count }, (_, index) => index)
  return {
    async find(id) {
      const found = await Promise.all(indexes.map((index) => deps.find(index, id)))
      return found.find((record) => record !== undefined)
    },
    async page({ after, filter, limit, lookAt, maxBytes }) {
      const places = after === null ? indexes.map(newest) : read(after)
      if (places === undefined) return undefined
      const pages = await Promise.all(
        places.map((place, index) =>
          place.done
            ? Promise.resolve(nothing)
            : deps.page(index, {
                before: place.before,
                limit,
                lookAt: Math.max(1, Math.ceil(lookAt / count)),
                maxBytes: Math.ceil(maxBytes / count),
                filter,
              }),
        ),
      )
      const { records, taken } = merge(pages, limit)
      const next = places.map((place, index) => placeAfter(place, pages[index], taken[index] ?? 0))
      return { records, next: next.every(({ done }) => done) ? null : write(next) }
    },
  }

  function newest(index: number): Place {
    return { incarnation: deps.incarnation(index), before: null, done: false }
  }

  /** Undefined where these are no places; of a process that has ended nothing is left. */
  function read(text: string): readonly Place[] | undefined {
    if (!placesForm.test(text)) return undefined
    const parts = text.split('.')
    if (parts.length !== count) return undefined
    return parts.map((part, index) => {
      const [incarnation = '', before] = part.split('-')
      const of = Number.parseInt(incarnation, 36)
      return {
        incarnation: of,
        before: before === undefined || before === '' ? null : Number.parseInt(before, 36),
        done: before === '' || of !== deps.incarnation(index),
      }
    })
  }
}

const nothing: WorkerDecisions = { records: [], numbers: [], next: null }

/**
 * Merges pages, and tells how many were taken of each. Where a page ends but not its worker, what
 * follows may be newer than what the others have next: nothing more is taken.
 */
function merge(
  pages: readonly (WorkerDecisions | undefined)[],
  limit: number,
): { readonly records: readonly DecisionRecord[]; readonly taken: readonly number[] } {
  const records: DecisionRecord[] = []
  const taken = pages.map(() => 0)
  while (records.length < limit) {
    let newest: { readonly index: number; readonly record: DecisionRecord } | undefined
    for (const [index, page] of pages.entries()) {
      const record = page?.records[taken[index] ?? 0]
      if (record === undefined) {
        if (page !== undefined && page.next !== null) return { records, taken }
      } else if (newest === undefined || record.decision_id > newest.record.decision_id) {
        newest = { index, record }
      }
    }
    if (newest === undefined) break
    records.push(newest.record)
    taken[newest.index] = (taken[newest.index] ?? 0) + 1
  }
  return { records, taken }
}

function placeAfter(place: Place, page: WorkerDecisions | undefined, taken: number): Place {
  if (place.done || page === undefined) return place
  if (taken === page.records.length) {
    return page.next === null ? { ...place, done: true } : { ...place, before: page.next }
  }
  const last = page.numbers[taken - 1]
  if (last !== undefined) return { ...place, before: last }
  // What is made meanwhile must not come after what was shown: from the newest seen on.
  const first = page.numbers[0]
  return first === undefined ? place : { ...place, before: first + 1 }
}

function write(places: readonly Place[]): string {
  return places
    .map(({ before, done, incarnation }) => {
      const where = done ? '--' : before === null ? '' : `-${before.toString(36)}`
      return incarnation.toString(36) + where
    })
    .join('.')
}
