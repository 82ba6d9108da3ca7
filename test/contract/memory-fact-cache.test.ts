import { describe, expect, it } from 'vitest'
import { factOf, nowMs } from '../support/builders.ts'
import { createMemoryFactCache, type MemoryEntry } from '../support/memory-fact-cache.ts'
import { cachedPolicy, factCacheContract } from './fact-cache.contract.ts'

const never = new AbortController().signal
const pair = { user: 'u1', organization: 'org-a' }

describe('a cache in memory', () => {
  const entries = new Map<string, MemoryEntry>()
  factCacheContract(async (settings) => {
    const cache = createMemoryFactCache({ policy: cachedPolicy, entries, ...settings })
    return {
      cache,
      faults: cache.faults,
      async raw(key) {
        const entry = entries.get(key)
        const leftMs = (entry?.expiresAtMs ?? 0) - Date.now()
        return entry === undefined || leftMs <= 0 ? null : { text: entry.text, leftMs }
      },
      write: async (key, text) => void entries.set(key, { text, expiresAtMs: Infinity }),
      close: () => Promise.resolve(),
    }
  })

  it.each([
    ['failing', true, 3],
    ['down', false, 1],
  ] as const)('gives and takes nothing while %s', async (state, available, faults) => {
    const cache = createMemoryFactCache({ policy: cachedPolicy, now: () => nowMs })
    cache.put(pair, factOf(['staff']))
    cache.set(state)
    expect(cache.available()).toBe(available)
    expect(await cache.get(pair, never)).toBeUndefined()
    cache.put({ ...pair, user: 'u2' }, factOf(['staff']))
    cache.drop([pair])
    expect(cache.faults).toHaveLength(faults)
    cache.set('up')
    expect(await cache.get(pair, never)).toMatchObject({ rows: [['staff']] })
    expect([...cache.entries.keys()]).toEqual(['perm:u1:org-a'])
  })
})
