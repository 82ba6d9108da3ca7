import { beforeEach, describe, expect, it } from 'vitest'
import { factOf, nowMs } from '../support/builders.ts'
import { createKnowledgeBench, type KnowledgeBench } from '../support/knowledge-bench.ts'

const pair = { user: 'u1', organization: 'org-a' }
const ofUser = { ...pair, organization: null }
const ofOrganization = { ...pair, user: null }
const ofOthers = { user: 'u2', organization: 'org-b' }

let bench: KnowledgeBench
beforeEach(() => {
  bench = createKnowledgeBench()
})

const wallMs = (): number => bench.time.clock().wallMs

describe('a claim may grant, by rule (c),', () => {
  const mayGrant = (agoMs = 1_000): boolean => bench.knowledge.claimMayGrant(pair, wallMs() - agoMs)
  const beganAgo = (ms: number): void => bench.setCoverage({ order: 0, wallMs: wallMs() - ms })

  it.each<[string, () => void, boolean]>([
    ['where nothing speaks against it', () => undefined, true],
    ['not without a watch', () => bench.setCoverage(null), false],
    ['not where the watch began later, less the margin', () => beganAgo(6_000), false],
    ['where the watch began earlier', () => beganAgo(6_001), true],
    ['not while clocks are apart', () => bench.showSkew(2_001), false],
    ['not where clocks are apart the other way', () => bench.showSkew(-2_001), false],
    ['not where memory holds a fact', () => bench.read(pair), false],
    [
      'not where memory holds a fact of another process',
      () =>
        bench.knowledge.adopt(pair, factOf(['staff'], { source: 'redis', verifiedAtMs: wallMs() })),
      false,
    ],
    ['where memory holds facts of others', () => bench.read(ofOthers), true],
    ['not where the pair has changed', () => bench.change(pair), false],
    ['not where the user has changed', () => bench.change(ofUser), false],
    ['not where the organization has changed', () => bench.change(ofOrganization), false],
    ['where others have changed', () => bench.change(ofOthers), true],
    [
      'not where a read of another pair has found the user banned',
      () => bench.read({ ...pair, organization: 'org-b' }, { banned: true }),
      false,
    ],
    [
      'where a read of another pair has found nothing of the kind',
      () => bench.read({ ...pair, organization: 'org-b' }),
      true,
    ],
  ])('%s', (_title, act, may) => {
    act()
    expect(mayGrant()).toBe(may)
  })

  it.each([
    ['younger than CACHE_TTL by the margin', 54_999, true],
    ['as old as CACHE_TTL by the margin', 55_000, false],
  ])('where it is %s: %s', (_title, agoMs, may) => {
    expect(mayGrant(agoMs)).toBe(may)
  })

  it.each([
    ['a change of the pair', (): void => bench.change(pair)],
    [
      'an answer of PostgreSQL, although memory keeps it no longer',
      (): void => {
        bench = createKnowledgeBench({ maxFacts: 1 })
        bench.read(pair)
        bench.read(ofOthers)
      },
    ],
    [
      'an answer that was overtaken',
      (): void => {
        const mark = bench.knowledge.beginRead()
        bench.change(ofOrganization)
        bench.time.pass(1)
        bench.knowledge.learn(pair, mark, factOf(['staff']))
      },
    ],
  ])('not within 15 min after %s', (_title, act) => {
    act()
    expect(bench.knowledge.holds(pair)).toBe(false)
    bench.time.pass(899_999)
    expect(mayGrant()).toBe(false)
    bench.time.pass(2)
    expect(mayGrant()).toBe(true)
  })

  it('not where its verification has found nobody', () => {
    bench.read(pair, { user: false, rows: [] })
    bench.time.pass(10_000)
    expect(bench.knowledge.known(pair, 'claims')).toBeUndefined()
    expect(mayGrant()).toBe(false)
  })

  it('not on the word of a fact that is past its life', () => {
    bench.read(pair)
    bench.time.pass(1_000_000)
    expect(mayGrant()).toBe(false)
  })

  it('never puts anything into memory', () => {
    expect(mayGrant()).toBe(true)
    expect(bench.knowledge.holds(pair)).toBe(false)
    expect(bench.told).toEqual([])
  })
})

describe('a claim may bridge an outage', () => {
  const isUnchangedSince = (atMs: number): boolean => bench.knowledge.isUnchangedSince(pair, atMs)

  it.each([
    ['the pair', pair, false],
    ['the user', ofUser, false],
    ['the organization', ofOrganization, false],
    ['others', ofOthers, true],
  ])('if no change was seen since, by the margin: of %s', (_title, change, isUnchanged) => {
    expect(isUnchangedSince(nowMs - 1_000_000)).toBe(true)
    bench.change(change)
    expect(isUnchangedSince(nowMs + 5_000)).toBe(isUnchanged)
    expect(isUnchangedSince(nowMs + 5_001)).toBe(true)
  })

  it('if a change that nobody told of was not found since', () => {
    bench.read(pair)
    bench.time.pass(7_000)
    bench.read(pair, { rows: [['viewer']] }, 400)
    expect(isUnchangedSince(nowMs + 12_000)).toBe(false)
    expect(isUnchangedSince(nowMs + 12_001)).toBe(true)
  })

  it('unless the user was last read to be banned, of whichever organization', () => {
    bench.read({ user: 'u1', organization: 'org-z' }, { banned: true })
    bench.time.pass(20_000)
    expect(isUnchangedSince(nowMs + 20_000)).toBe(false)
    bench.read({ user: 'u1', organization: 'org-z' })
    bench.time.pass(20_000)
    expect(isUnchangedSince(nowMs + 40_000)).toBe(true)
  })

  it('if no change since may have been forgotten for its age', () => {
    bench.change(ofOthers)
    bench.time.pass(900_001)
    bench.change({ user: 'u3', organization: null })
    expect(isUnchangedSince(nowMs + 5_000)).toBe(false)
    expect(isUnchangedSince(nowMs + 5_001)).toBe(true)
  })

  it('if no change since may have been forgotten for want of room', () => {
    bench = createKnowledgeBench({ maxChanges: 1 })
    bench.change(ofOthers)
    bench.time.pass(10)
    bench.change({ user: 'u3', organization: null })
    expect(isUnchangedSince(nowMs + 5_000)).toBe(false)
    expect(isUnchangedSince(nowMs + 5_001)).toBe(true)
  })

  it.each([
    ['read since', 1_000, true],
    ['read earlier, but not by the margin', -4_999, true],
    ['read earlier by the margin', -5_000, false],
  ])('unless a fact says otherwise that was %s', (_title, ms, isNewer) => {
    bench.read(pair, { verifiedAtMs: nowMs + ms })
    bench.time.pass(500_000)
    const newer = bench.knowledge.newerThan(pair, nowMs)
    expect(newer).toEqual(
      isNewer ? factOf(['staff'], { source: 'memory', verifiedAtMs: nowMs + ms }) : undefined,
    )
    expect(bench.knowledge.newerThan(ofOthers, nowMs)).toBeUndefined()
  })
})
