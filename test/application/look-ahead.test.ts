import { expect, it } from 'vitest'
import { createBoundedMap } from '../../src/adapters/lru/bounded-map.ts'
import { createFactMemory } from '../../src/application/fact-memory.ts'
import { LookAhead } from '../../src/application/look-ahead.ts'
import { createTokenMemory } from '../../src/application/token-memory.ts'
import { homeOf, readIdentity } from '../../src/domain/identity.ts'
import { keepNote } from '../../src/domain/remembered-fact.ts'
import type { AccessRequest } from '../../src/domain/request.ts'
import { factOf, nowMs, requestOf, tokenOf, uncheckedRules } from '../support/builders.ts'

const credential = 'Bearer head.body.signature'
const note = { prepared: 'an answer' }

/** Memories that know one subject, and requests that do and do not come from it. */
function known() {
  const createMap = createBoundedMap
  const identities = createTokenMemory({ createMap, maxEntries: 10, maxBytes: 100_000 })
  const facts = createFactMemory({ createMap, maxEntries: 10, maxBytes: 100_000 })
  const reading = readIdentity(
    tokenOf({ sub: 'u1', organizationId: 'org-a' }),
    uncheckedRules,
    nowMs,
  )
  if (!('identity' in reading)) throw new Error(reading.why)
  identities.set(credential, reading.identity, identities.epoch())
  identities.get(credential, nowMs)
  const { pair } = homeOf(reading.identity)
  const since = { monotonicMs: 0, wallMs: nowMs }
  const held = { pair, since, order: 1, own: true, lifeMs: 1_000, cachedAtMs: undefined }
  facts.set({ ...held, fact: factOf(['staff']) }, false)
  const fact = facts.get(pair)?.fact
  if (fact === undefined) throw new Error('it is not remembered')
  keepNote(fact, note)
  const bytes = Buffer.from(credential)
  const recognised = identities.recognise(bytes, 0, bytes.length)
  const plain = requestOf('GET /open')
  const checks = [recognised, undefined, { text: credential }].map((each) => ({
    request: { ...plain, recognised: each } satisfies AccessRequest,
  }))
  return { identities, facts, pair, checks }
}

/** What was found of the checks, as far as what was prepared for an answer. */
function seenBy({ checks, facts, identities }: ReturnType<typeof known>): readonly unknown[] {
  const seen: unknown[] = []
  new LookAhead({ identities, facts, prepared: (found) => seen.push(found) }).at(checks)
  return seen
}

it('goes as far as what was prepared for the answer, where all of it is known', () => {
  expect(seenBy(known())).toEqual([note])
})

it('is no use of what it looks at', () => {
  const world = known()
  const before = [world.identities.usage(), world.facts.usage()]
  seenBy(world)
  expect([world.identities.usage(), world.facts.usage()]).toEqual(before)
})

it('finds nothing of a token that was forgotten', () => {
  const world = known()
  world.identities.clear()
  expect(seenBy(world)).toEqual([])
})

it('finds nothing that was prepared of a fact that was dropped', () => {
  const world = known()
  world.facts.delete(world.pair)
  expect(seenBy(world)).toEqual([])
})
