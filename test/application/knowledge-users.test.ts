import { beforeEach, describe, expect, it } from 'vitest'
import type { Fact } from '../../src/domain/fact.ts'
import { factOf } from '../support/builders.ts'
import { createKnowledgeBench, type KnowledgeBench } from '../support/knowledge-bench.ts'

let bench: KnowledgeBench
const here = { user: 'u1', organization: 'org-a' }
const there = { user: 'u1', organization: 'org-b' }
const someoneElse = { user: 'u2', organization: 'org-a' }

beforeEach(() => {
  bench = createKnowledgeBench()
  bench.read(here)
  bench.read(there)
  bench.read(someoneElse)
  bench.time.pass(6_000) // what is read from now on is settled
  bench.told.length = 0
})

const isKnown = (pair: typeof here): boolean => bench.knowledge.known(pair, 'cache') !== undefined

describe('what a read says of a user counts for all its pairs', () => {
  it.each<[string, Partial<Fact>]>([
    ['it is banned', { banned: true }],
    ['it is gone', { user: false, rows: [], platformRoles: [] }],
    ['its platform roles are others', { platformRoles: ['user', 'support'] }],
  ])('if %s, what was read of the others before is dropped', (_title, parts) => {
    bench.read(here, parts)
    expect(isKnown(there)).toBe(false)
    expect(isKnown(someoneElse)).toBe(true)
    expect(bench.told.filter((one) => one === 'unannounced')).toEqual(['unannounced'])
    expect(bench.told).toContain('drop u1 org-a,u1 org-b')
  })

  it('if nothing of the user has changed, it drops nothing', () => {
    bench.read(here, { rows: [['viewer']] })
    expect(isKnown(there)).toBe(true)
  })

  it('also where nothing is known of the pair that was read', () => {
    bench.read({ user: 'u1', organization: 'org-c' }, { banned: true })
    expect([isKnown(here), isKnown(there)]).toEqual([false, false])
  })

  it('also for a read that began before it and is answered after it', () => {
    const { knowledge, time } = bench
    const pair = { user: 'u3', organization: 'org-a' }
    const early = knowledge.beginRead()
    time.pass(10)
    bench.read({ user: 'u3', organization: 'org-b' }, { banned: true })
    const fact = factOf(['staff'], { verifiedAtMs: early.sent.wallMs })
    expect(knowledge.learn(pair, early, fact)).toBe('outrun')
    expect(isKnown(pair)).toBe(false)
  })

  it('except for what was read at the same time or later', () => {
    const { knowledge, time } = bench
    const early = knowledge.beginRead()
    time.pass(10)
    bench.read(there, { banned: true })
    // Of the user as it was before: nobody is told that it is banned no longer.
    knowledge.learn(here, early, factOf(['staff'], { verifiedAtMs: early.sent.wallMs }))
    expect(knowledge.known(there, 'cache')?.fact.banned).toBe(true)
    expect(isKnown(here)).toBe(false)
  })

  it('unless its change was announced meanwhile: then it is expected', () => {
    bench.change({ user: 'u1', organization: null })
    bench.told.length = 0
    bench.read(here, { banned: true })
    expect(bench.told).not.toContain('unannounced')
  })
})

describe('an entry of the shared cache', () => {
  const entry = (agoMs: number, parts: Partial<Fact> = {}): Fact =>
    factOf(['staff'], { verifiedAtMs: bench.time.clock().wallMs - agoMs, ...parts })
  const elsewhere = { user: 'u1', organization: 'org-d' }

  it('is not adopted where a later read of another pair says otherwise of the user', () => {
    bench.read(here, { platformRoles: ['user', 'support'] })
    bench.time.pass(20_000)
    expect(bench.knowledge.adopt(elsewhere, entry(20_001))).toBe(false)
    expect(bench.knowledge.adopt(elsewhere, entry(1_000))).toBe(true)
  })

  it('is not adopted, and no claim opens, from a jump of the clock until a read is answered', () => {
    const jumped = createKnowledgeBench()
    jumped.clockWasSet()
    const fact = factOf(['staff'], { verifiedAtMs: jumped.time.clock().wallMs })
    expect(jumped.knowledge.adopt(elsewhere, fact)).toBe(false)
    expect(jumped.knowledge.claimMayGrant(elsewhere, fact.verifiedAtMs)).toBe(false)
    jumped.read(someoneElse)
    expect(jumped.knowledge.claimMayGrant(elsewhere, fact.verifiedAtMs)).toBe(true)
    expect(jumped.knowledge.adopt(elsewhere, fact)).toBe(true)
  })
})

describe('where too much waits to be verified', () => {
  beforeEach(() => bench.setRoom(false))

  it('what was verified in time grants still, and no longer', () => {
    expect(bench.knowledge.known(here, 'cache')?.verified).toBe(true)
    bench.time.pass(5_000)
    expect(isKnown(here)).toBe(false)
    bench.setRoom(true)
    expect(isKnown(here)).toBe(true)
  })

  it('nothing is adopted', () => {
    const pair = { user: 'u9', organization: 'org-a' }
    const fact = factOf(['staff'], { verifiedAtMs: bench.time.clock().wallMs })
    expect(bench.knowledge.adopt(pair, fact)).toBe(false)
    bench.setRoom(true)
    expect(bench.knowledge.adopt(pair, fact)).toBe(true)
  })
})

describe('a change of a large organization', () => {
  const members = Array.from({ length: 1_201 }, (_, n) => ({ user: `m${n}`, organization: 'big' }))

  it('takes what was read before it at once, and is dropped bit by bit', () => {
    bench = createKnowledgeBench({ maxFacts: 5_000 })
    for (const member of members) bench.read(member)
    bench.told.length = 0
    bench.holdTasks()
    bench.change({ user: null, organization: 'big' })
    expect(bench.told.map((one) => one.split(',').length)).toEqual([500])
    expect(members.filter(isKnown)).toEqual([])
    const [late] = members.slice(-1)
    if (late !== undefined) bench.read(late)
    bench.runTasks()
    expect(
      bench.told
        .filter((one) => one.startsWith('drop'))
        .join()
        .match(/m\d+/g),
    ).toHaveLength(1_200)
    // What was read since stays.
    expect(members.filter(isKnown)).toEqual([late])
  })
})
