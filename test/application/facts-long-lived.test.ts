import { expect, it } from 'vitest'
import { createBoundedMap } from '../../src/adapters/lru/bounded-map.ts'
import { createFacts } from '../../src/application/facts.ts'
import { rememberedFor } from '../../src/domain/freshness.ts'
import type { FactCache } from '../../src/ports/fact-cache.ts'
import { createSetClock } from '../support/set-clock.ts'

const minuteMs = 60_000
const noCache: FactCache = {
  available: () => false,
  get: () => Promise.resolve(undefined),
  put: () => undefined,
  drop: () => undefined,
}

it('changes are remembered for 15 min, or for as long as anything older can be believed', () => {
  const bounds = { verifyAfterMs: 5_000 }
  expect(rememberedFor({ ...bounds, cacheTtlMs: 300_000 })).toBe(900_000)
  expect(rememberedFor({ ...bounds, cacheTtlMs: 895_000 })).toBe(900_000)
  expect(rememberedFor({ ...bounds, cacheTtlMs: 895_001 })).toBe(900_001)
})

it('a claim from before a change does not open while facts live for an hour', () => {
  const time = createSetClock()
  const nothing = (): undefined => undefined
  const { facts, listener } = createFacts({
    clock: time.clock,
    bounds: { verifyAfterMs: 5_000, cacheTtlMs: 60 * minuteMs },
    source: { read: () => Promise.reject(new Error('is not asked')) },
    batches: { readMany: () => Promise.reject(new Error('is not asked')) },
    cache: noCache,
    createMap: createBoundedMap,
    limits: { maxFacts: 10, maxFactBytes: 100_000, maxChanges: 10, maxAnswered: 10 },
    hasPlatformRole: () => false,
    schedule: () => ({ cancel: nothing }),
    random: () => 0,
    signal: new AbortController().signal,
    observer: {
      ...{ event: nothing, malformed: nothing, unannounced: nothing, batch: nothing },
      ...{ verificationFailed: nothing, watchBroke: nothing },
    },
  })
  const pair = { user: 'u1', organization: 'org-a' }
  const stranger = { user: 'u2', organization: 'org-b' }
  const prove = (): void => listener.proved(time.clock())
  listener.began(time.clock().wallMs)
  time.pass(minuteMs)
  const issuedAtMs = time.clock().wallMs
  prove()
  expect(facts.claimMayGrant(pair, issuedAtMs)).toBe(true)
  listener.message('member.removed', Buffer.from('{"userId":"u1","organizationId":"org-a"}'))
  time.pass(50 * minuteMs)
  prove()
  expect(facts.claimMayGrant(stranger, issuedAtMs)).toBe(true)
  expect(facts.claimMayGrant(pair, issuedAtMs)).toBe(false)
  // Another change, at which old ones are cleared away, makes no difference.
  listener.message('member.removed', Buffer.from('{"userId":"u3","organizationId":"org-a"}'))
  expect(facts.claimMayGrant(pair, issuedAtMs)).toBe(false)
})
