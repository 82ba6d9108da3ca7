import { beforeEach, describe, expect, it } from 'vitest'
import type { Freshness } from '../../src/domain/policy.ts'
import { factOf } from '../support/builders.ts'
import { createKnowledgeBench, type KnowledgeBench } from '../support/knowledge-bench.ts'

const pair = { user: 'u1', organization: 'org-a' }
const freshnesses: readonly Freshness[] = ['claims', 'cache', 'verified', 'database']

let bench: KnowledgeBench
beforeEach(() => {
  bench = createKnowledgeBench()
})

const wallMs = (): number => bench.time.clock().wallMs
/** A fact that another process read so long ago. */
const elsewhere = (agoMs: number) =>
  factOf(['staff'], { source: 'redis', verifiedAtMs: wallMs() - agoMs })
const adopt = (agoMs: number): boolean => bench.knowledge.adopt(pair, elsewhere(agoMs))

/** Who may decide by what is in memory: `a` where a refusal may rest on it too, `b` where not. */
function rulesOf(): string {
  return freshnesses
    .map((freshness) => {
      const known = bench.knowledge.known(pair, freshness)
      if (known === undefined) return '-'
      expect(known.fact.source).toBe('memory')
      return known.verified ? 'a' : 'b'
    })
    .join('')
}

describe('a fact in memory', () => {
  it('is none at first', () => {
    expect(rulesOf()).toBe('----')
    expect(bench.knowledge.holds(pair)).toBe(false)
  })

  it.each<[string, () => void, string]>([
    ['just read', () => undefined, 'aaa-'],
    ['as old as VERIFY_AFTER', () => bench.time.pass(10_000), 'aaa-'],
    ['older than VERIFY_AFTER', () => bench.time.pass(10_001), 'bb--'],
    ['older by the wall clock alone', () => bench.time.sleep(10_001), 'bb--'],
    ['just younger than CACHE_TTL', () => bench.time.pass(59_999), 'bb--'],
    ['as old as CACHE_TTL', () => bench.time.pass(60_000), '----'],
    ['just read, without a watch', () => bench.setCoverage(null), 'aaa-'],
    ['just read, before the watch began', () => bench.watchBegins(), 'aaa-'],
    [
      'older, without a watch',
      () => {
        bench.setCoverage(null)
        bench.time.pass(10_001)
      },
      '----',
    ],
    [
      'older, from before the watch began',
      () => {
        bench.time.pass(10_001)
        bench.watchBegins()
      },
      '----',
    ],
    ['just read, while clocks are apart', () => bench.showSkew(2_100), 'aaa-'],
    [
      'older, while clocks are apart',
      () => {
        bench.time.pass(10_001)
        bench.showSkew(2_100)
      },
      'bb--',
    ],
    ['of a pair that has changed', () => bench.change(pair), '----'],
    ['of a user who has changed', () => bench.change({ ...pair, organization: null }), '----'],
    ['of an organization that has', () => bench.change({ ...pair, user: null }), '----'],
    ['of others than those that have', () => bench.change({ ...pair, user: 'u2' }), 'aaa-'],
  ])('that is %s decides by rule (a) or (b)', (_title, act, rules) => {
    bench.read(pair)
    act()
    expect(rulesOf()).toBe(rules)
  })

  it('is aged from the sending of its statement, and of the place of that', () => {
    const mark = bench.knowledge.beginRead()
    bench.time.pass(4_000)
    bench.knowledge.learn(pair, mark, factOf(['staff'], { verifiedAtMs: wallMs() }))
    bench.time.pass(6_000)
    expect(rulesOf()).toBe('aaa-')
    bench.time.pass(1)
    expect(rulesOf()).toBe('bb--')
  })

  it('that was sent for before the watch began is not covered by it', () => {
    const mark = bench.knowledge.beginRead()
    bench.watchBegins()
    bench.knowledge.learn(pair, mark, factOf(['staff'], { verifiedAtMs: wallMs() }))
    bench.time.pass(10_001)
    expect(rulesOf()).toBe('----')
  })

  // Its event may have come before the watch, its commit (or the replica that was read) after it.
  it.each([
    ['at its end', 5_000, '----'],
    ['behind it', 5_001, 'bb--'],
  ])('read within the margin after the watch began is not covered: %s', (_title, ms, rules) => {
    bench.watchBegins()
    bench.time.pass(ms)
    bench.read(pair)
    expect(rulesOf()).toBe('aaa-')
    bench.time.pass(10_001)
    expect(rulesOf()).toBe(rules)
  })

  it.each<[string, () => void, string]>([
    ['just adopted', () => undefined, 'bb--'],
    ['adopted, and the watch is lost', () => bench.setCoverage(null), '----'],
    ['adopted before the watch began', () => bench.watchBegins(), '----'],
    ['adopted, and clocks prove to be apart', () => bench.showSkew(2_100), '----'],
    ['adopted, and clocks prove to be apart the other way', () => bench.showSkew(-2_100), '----'],
    ['adopted, and clocks prove to be alike', () => bench.showSkew(-1_900), 'bb--'],
    ['just younger than CACHE_TTL by the margin', () => bench.time.pass(53_999), 'bb--'],
    ['as old as CACHE_TTL by the margin', () => bench.time.pass(54_000), '----'],
  ])('of another process that is %s decides by rule (b) alone', (_title, act, rules) => {
    expect(adopt(1_000)).toBe(true)
    act()
    expect(rulesOf()).toBe(rules)
  })
})

describe('who is absent', () => {
  const member = { rows: [['viewer']] }
  const nobody = { user: false, rows: [], platformRoles: [] }
  const stranger = { rows: [] }
  const supporter = { rows: [], platformRoles: ['support'] }

  it.each([
    ['a member', pair, member, true],
    ['no such user', pair, nobody, false],
    ['no such user, where no organization matters', { ...pair, organization: null }, nobody, false],
    ['not a member', pair, stranger, false],
    ['not a member, but of a platform role that the policy knows', pair, supporter, true],
    ['a user, where no organization matters', { ...pair, organization: null }, stranger, true],
  ])('and who is not: %s', (_title, pair, parts, stays) => {
    bench.read(pair, parts)
    bench.time.pass(1_999)
    expect(bench.knowledge.known(pair, 'verified')).toMatchObject({ fact: parts, verified: true })
    bench.time.pass(1)
    expect(bench.knowledge.known(pair, 'verified') !== undefined).toBe(stays)
    expect(bench.knowledge.holds(pair)).toBe(true)
    // Kept in memory only.
    expect(bench.told.some((one) => one.startsWith('put'))).toBe(stays)
  })
})

describe('a used fact', () => {
  const used = (): boolean => {
    bench.told.length = 0
    bench.knowledge.known(pair, 'cache')
    return bench.told.includes('verify u1 org-a')
  }

  it.each([
    ['younger than half of VERIFY_AFTER', 5_000, {}, false],
    ['older than half of VERIFY_AFTER', 5_001, {}, true],
    ['of an absent one, younger than half its life', 1_000, { rows: [] }, false],
    ['of an absent one, older than half its life', 1_001, { rows: [] }, true],
    ['older than its life', 60_000, {}, false],
  ])('%s is verified: %s', (_title, ms, parts, verified) => {
    bench.read(pair, parts)
    bench.time.pass(ms)
    expect(used()).toBe(verified)
  })

  it('of another process is verified at once, and with each use until it is', () => {
    adopt(1_000)
    expect(bench.told).toEqual(['verify u1 org-a'])
    expect(used()).toBe(true)
  })

  it('that may not decide is not verified for that', () => {
    bench.read(pair)
    bench.time.pass(10_001)
    bench.told.length = 0
    bench.knowledge.known(pair, 'verified')
    bench.knowledge.known(pair, 'database')
    expect(bench.told).toEqual([])
  })
})

describe('the shared cache', () => {
  it.each<[string, () => void, boolean]>([
    ['while the watch holds', () => undefined, true],
    ['not without a watch', () => bench.setCoverage(null), false],
    ['not while clocks are apart', () => bench.showSkew(2_001), false],
    ['not just after a change', () => bench.change(pair), false],
    ['after a change of others', () => bench.change({ ...pair, user: 'u2' }), true],
    [
      'not within the margin after a change',
      () => {
        bench.change({ ...pair, organization: null })
        bench.time.pass(5_000)
      },
      false,
    ],
    [
      'after the margin',
      () => {
        bench.change(pair)
        bench.time.pass(5_001)
      },
      true,
    ],
    [
      'not after the margin by the wall clock alone',
      () => {
        bench.change(pair)
        bench.time.jump(60_000)
      },
      false,
    ],
    [
      'not after the margin by the monotonic clock alone',
      () => {
        bench.change(pair)
        bench.time.pass(6_000)
        bench.time.jump(-6_000)
      },
      false,
    ],
  ])('may be asked %s', (_title, act, may) => {
    act()
    expect(bench.knowledge.mayRecall(pair)).toBe(may)
  })

  const beganAgo = (ms: number): void => bench.setCoverage({ order: 0, wallMs: wallMs() - ms })

  it.each<[string, number, () => void, boolean]>([
    ['as new as may be', 0, () => undefined, true],
    ['of a clock that is ahead', -2_000, () => undefined, true],
    ['of a clock that is too far ahead', -2_001, () => undefined, false],
    ['read without a watch', 0, () => bench.setCoverage(null), false],
    ['newer than the watch by more than the margin', 1_000, () => beganAgo(6_001), true],
    ['newer than the watch by the margin', 1_000, () => beganAgo(6_000), false],
    ['younger than CACHE_TTL by the margin', 54_999, () => undefined, true],
    ['as old as CACHE_TTL by the margin', 55_000, () => undefined, false],
    ['read while clocks are apart', 1_000, () => bench.showSkew(-2_001), false],
    [
      'newer than a read of this process',
      1_000,
      () => bench.read(pair, { verifiedAtMs: wallMs() - 1_001 }),
      true,
    ],
    [
      'as old as a read of this process',
      1_000,
      () => bench.read(pair, { verifiedAtMs: wallMs() - 1_000 }),
      false,
    ],
    ['older than a read of this process', 1_000, () => bench.read(pair), false],
    [
      'contradicted by a first read of the user, of another pair',
      1_000,
      () => bench.read({ ...pair, organization: 'org-b' }, { banned: true }),
      false,
    ],
    [
      'borne out by a first read of the user, of another pair',
      1_000,
      () => bench.read({ ...pair, organization: 'org-b' }),
      true,
    ],
  ])('gives an entry that is %s', (_title, agoMs, act, adopted) => {
    act()
    expect(adopt(agoMs)).toBe(adopted)
  })

  it.each<[string, { user: string | null; organization: string | null }, number, boolean]>([
    ['of the pair, by the margin', pair, 1_000, false],
    ['of the pair, by more', pair, 999, true],
    ['of the user, by the margin', { ...pair, organization: null }, 1_000, false],
    ['of the organization, by the margin', { ...pair, user: null }, 1_000, false],
    ['of others, whatever the time', { ...pair, user: 'u2' }, 20_000, true],
  ])('gives only what is newer than the last change %s', (_title, change, agoMs, adopted) => {
    bench.change(change)
    bench.time.pass(6_000)
    expect(adopt(agoMs)).toBe(adopted)
  })

  it('gives nothing that a forgotten change may have been of', () => {
    bench = createKnowledgeBench({ maxChanges: 1 })
    bench.change({ user: 'a', organization: null })
    bench.change({ user: 'b', organization: null })
    bench.time.pass(6_000)
    expect(adopt(1_000)).toBe(false)
    expect(adopt(999)).toBe(true)
  })

  it('gives one entry once', () => {
    const entry = elsewhere(1_000)
    expect(bench.knowledge.adopt(pair, entry)).toBe(true)
    expect(bench.knowledge.adopt(pair, entry)).toBe(false)
  })
})

it('knows what was known at a moment that was read before', () => {
  bench.read(pair)
  const then = bench.time.clock()
  bench.time.pass(10_001)
  expect(bench.knowledge.known(pair, 'verified')).toBeUndefined()
  expect(bench.knowledge.known(pair, 'verified', then)).toMatchObject({ verified: true })
})
