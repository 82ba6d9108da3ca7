import { expect, it } from 'vitest'
import { observeCache, observeSource } from '../../src/application/observe-reads.ts'
import type { FactCache } from '../../src/ports/fact-cache.ts'
import { factOf } from '../support/builders.ts'

const pair = { user: 'u1', organization: 'o1' }
const { signal } = new AbortController()
const fact = factOf(['staff'])

function observer() {
  let nowMs = 0
  const took: number[] = []
  return { took, monotonicNow: () => (nowMs += 5), onRead: (ms: number) => void took.push(ms) }
}

it('a source is measured and gives what it gave, also where it fails', async () => {
  const watching = observer()
  const source = observeSource(
    {
      read: () => Promise.resolve(fact),
      readMany: () => Promise.reject(new Error('it is gone')),
    },
    watching,
  )
  expect(await source.read(pair, signal)).toBe(fact)
  await expect(source.readMany([pair], signal)).rejects.toThrow('it is gone')
  expect(watching.took).toEqual([5, 5])
})

it('a cache tells hits and misses, and is otherwise the one that it was', async () => {
  const watching = observer()
  const asked: boolean[] = []
  let held = 0
  const inner: FactCache = {
    available: () => true,
    get: () => Promise.resolve((held += 1) === 1 ? fact : undefined),
    put: () => undefined,
    drop: () => undefined,
  }
  const cache = observeCache(inner, { ...watching, onAsked: (hit) => void asked.push(hit) })
  expect(await cache.get(pair, signal)).toBe(fact)
  expect(await cache.get(pair, signal)).toBeUndefined()
  expect([asked, watching.took]).toEqual([
    [true, false],
    [5, 5],
  ])
  expect([cache.available, cache.put, cache.drop]).toEqual([inner.available, inner.put, inner.drop])
})
