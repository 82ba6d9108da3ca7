import { createTextSlots as createTexts } from '../../src/adapters/buffers/text-slots.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDecisionStore } from '../../src/application/decision-store.ts'
import { matchesFilter } from '../../src/application/decision-filter.ts'
import { createPooledDecisions } from '../../src/application/pooled-decisions.ts'
import type { DecisionRecord } from '../../src/domain/record.ts'
import { nowMs } from '../support/builders.ts'
import { decisionId, recordedDecision } from '../support/decision-records.ts'

const template = recordedDecision(0, { atMs: nowMs })
const recordAt = (ms: number, worker: number): DecisionRecord => ({
  ...template,
  decision_id: decisionId(ms * 100 + worker, nowMs + ms),
  user_id: `u${ms % 3}`,
  worker,
})

/** Workers that decided at these moments, each in its order; `silent` ones do not answer. */
function workersOf(moments: readonly (readonly number[])[], maxEntries = 100) {
  const silent = new Set<number>()
  const incarnations = moments.map(() => 1)
  const newStore = () => createDecisionStore({ createTexts, maxEntries, maxBytes: 1e9 })
  const stores = moments.map(newStore)
  for (const [worker, own] of moments.entries()) {
    for (const ms of own) stores[worker]?.keep(recordAt(ms, worker))
  }
  const pages = createPooledDecisions({
    count: moments.length,
    incarnation: (index) => incarnations[index] ?? 0,
    find: async (index, id) => (silent.has(index) ? undefined : stores[index]?.find(id)),
    page: async (index, { before, filter, limit, lookAt, maxBytes }) =>
      silent.has(index)
        ? undefined
        : stores[index]?.page({ before, limit, lookAt, maxBytes, matches: matchesFilter(filter) }),
  })
  const restart = (index: number): void => {
    incarnations[index] = (incarnations[index] ?? 0) + 1
    stores[index] = newStore()
  }
  return { pages, silent, stores, restart }
}

const ids = (records: readonly DecisionRecord[]) => records.map((one) => one.decision_id)
type Pages = ReturnType<typeof workersOf>['pages']

/** All pages from a place on. */
async function readAll(
  pages: Pages,
  query: {
    readonly limit: number
    readonly lookAt: number
    readonly maxBytes?: number
    readonly user?: string
  },
  from: string | null = null,
): Promise<readonly string[]> {
  const found: string[] = []
  const filter = query.user === undefined ? {} : { user: query.user }
  let after = from
  for (let count = 0; count < 500; count += 1) {
    const page = await pages.page({ maxBytes: 1e9, ...query, after, filter })
    expect(page?.records.length).toBeLessThanOrEqual(query.limit)
    found.push(...ids(page?.records ?? []))
    after = page?.next ?? null
    if (after === null) return found
  }
  throw new Error('there is no end of pages')
}

/** Moments of several workers, ascending. */
const moments = fc.array(
  fc.uniqueArray(fc.nat({ max: 200 }), { maxLength: 40 }).map((some) => some.sort((a, b) => a - b)),
  { minLength: 1, maxLength: 5 },
)

describe('decisions of several workers', () => {
  it('are one list, newest first, whatever the pages: each once', async () => {
    await fc.assert(
      fc.asyncProperty(
        moments,
        fc.record({
          limit: fc.integer({ min: 1, max: 9 }),
          lookAt: fc.integer({ min: 1, max: 50 }),
          user: fc.option(fc.constantFrom('u0', 'u1'), { nil: undefined }),
        }),
        async (made, { limit, lookAt, user }) => {
          const { pages } = workersOf(made)
          const all = made.flatMap((own, worker) => own.map((ms) => recordAt(ms, worker)))
          const wanted = all.filter((one) => user === undefined || one.user_id === user)
          const query = { limit, lookAt, ...(user !== undefined && { user }) }
          expect(await readAll(pages, query)).toEqual(ids(wanted).sort().reverse())
        },
      ),
      { numRuns: 300 },
    )
  })

  it('that are made meanwhile do not come after older ones', async () => {
    const { pages, stores } = workersOf([
      [1, 2, 3],
      [10, 11],
    ])
    const first = await pages.page({
      maxBytes: 1e9,
      after: null,
      limit: 1,
      lookAt: 100,
      filter: {},
    })
    stores[0]?.keep(recordAt(20, 0))
    stores[1]?.keep(recordAt(21, 1))
    const rest = await readAll(pages, { limit: 1, lookAt: 100 }, first?.next ?? null)
    expect([...ids(first?.records ?? []), ...rest]).toEqual(
      ids([recordAt(11, 1), recordAt(10, 1), recordAt(3, 0), recordAt(2, 0), recordAt(1, 0)]),
    )
  })

  it('of one that died are gone, and what its successor decides is of later', async () => {
    const { pages, restart, stores } = workersOf([
      [1, 3, 5],
      [2, 4, 6],
    ])
    const first = await pages.page({
      maxBytes: 1e9,
      after: null,
      limit: 2,
      lookAt: 100,
      filter: {},
    })
    restart(0)
    for (const ms of [50, 51, 52]) stores[0]?.keep(recordAt(ms, 0))
    expect(await readAll(pages, { limit: 2, lookAt: 100 }, first?.next ?? null)).toEqual(
      ids([recordAt(4, 1), recordAt(2, 1)]),
    )
  })

  it('of one that does not answer come with the next page', async () => {
    const { pages, silent } = workersOf([[1, 3], [2]])
    silent.add(0)
    const first = await pages.page({
      maxBytes: 1e9,
      after: null,
      limit: 5,
      lookAt: 100,
      filter: {},
    })
    expect(ids(first?.records ?? [])).toEqual(ids([recordAt(2, 1)]))
    silent.clear()
    expect(await readAll(pages, { limit: 5, lookAt: 100 }, first?.next ?? null)).toEqual(
      ids([recordAt(3, 0), recordAt(1, 0)]),
    )
  })

  it('are found by their id, wherever they are', async () => {
    const { pages, silent } = workersOf([[1], [2]])
    for (const [ms, worker] of [
      [1, 0],
      [2, 1],
    ] as const) {
      expect(await pages.find(recordAt(ms, worker).decision_id)).toMatchObject({ worker })
    }
    silent.add(0)
    expect(await pages.find(recordAt(1, 0).decision_id)).toBeUndefined()
  })

  it.each(['', '1', '1.1.1', '1-', '1.1-?', 'A.1', '1.1-12345678901', '1..1', '-.-'])(
    'go on from no place that was not given out: %j',
    async (after) => {
      const { pages } = workersOf([[1], [2]])
      expect(
        await pages.page({ maxBytes: 1e9, after, limit: 5, lookAt: 5, filter: {} }),
      ).toBeUndefined()
    },
  )
})
