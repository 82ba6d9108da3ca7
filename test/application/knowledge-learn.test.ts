import { beforeEach, describe, expect, it } from 'vitest'
import type { Learned } from '../../src/application/learn-fact.ts'
import { factOf, nowMs } from '../support/builders.ts'
import { createKnowledgeBench, type KnowledgeBench } from '../support/knowledge-bench.ts'

const pair = { user: 'u1', organization: 'org-a' }
const put = 'put u1 org-a'
const drop = 'drop u1 org-a'

let bench: KnowledgeBench
beforeEach(() => {
  bench = createKnowledgeBench()
})

const wallMs = (): number => bench.time.clock().wallMs
const memory = () => bench.knowledge.newerThan(pair, -Infinity)
/** Begins a read, which may be answered later. */
function begin(verifiedAtMs = wallMs()): (roles?: readonly string[]) => Learned {
  const mark = bench.knowledge.beginRead()
  return (roles = ['staff']) => bench.knowledge.learn(pair, mark, factOf(roles, { verifiedAtMs }))
}

describe('a read that is answered', () => {
  it('is kept, and written to the shared cache', () => {
    expect(bench.read(pair)).toBe('kept')
    expect(memory()).toEqual(factOf(['staff'], { source: 'memory', verifiedAtMs: nowMs }))
    expect(bench.told).toEqual([put])
  })

  it.each([
    ['of the pair', pair],
    ['of the user', { ...pair, organization: null }],
    ['of the organization', { ...pair, user: null }],
  ])('is kept nowhere where it began before a change %s', (_title, change) => {
    const answer = begin()
    bench.change(change)
    bench.told.length = 0
    expect(answer()).toBe('overtaken')
    expect(memory()).toBeUndefined()
    expect(bench.told).toEqual([])
    expect(bench.read(pair)).toBe('kept')
  })

  it('is kept where the change was of others', () => {
    const answer = begin()
    bench.change({ ...pair, user: 'u2' })
    expect(answer()).toBe('kept')
  })

  it('is overtaken by a change that had to be forgotten, whatever it was of', () => {
    bench = createKnowledgeBench({ maxChanges: 1 })
    const answer = begin()
    bench.change({ user: 'a', organization: null })
    bench.change({ user: 'b', organization: null })
    expect(answer()).toBe('overtaken')
    expect(bench.told).toContain('forgotten')
  })

  it('replaces none that began later', () => {
    const [first, second] = [begin(), begin()]
    expect(second(['viewer'])).toBe('kept')
    expect(first(['viewer'])).toBe('outrun')
    expect(first(['staff'])).toBe('outrun')
    expect(memory()?.rows).toEqual([['viewer']])
    expect(bench.told).toEqual([put])
  })

  it('replaces one that began earlier', () => {
    const [first, second] = [begin(), begin()]
    expect(first()).toBe('kept')
    expect(second()).toBe('kept')
  })

  it.each([
    ['replaces what another process read before', 0, 'kept', true],
    ['replaces what another process read at the same time', 1_000, 'kept', true],
    ['replaces nothing that another process read later', 1_001, 'outrun', false],
  ] as const)('%s', (_title, laterMs, learned, isOwn) => {
    bench.time.pass(1_000)
    const answer = begin(nowMs + 1_000)
    bench.knowledge.adopt(pair, factOf(['staff'], { verifiedAtMs: nowMs + laterMs }))
    expect(answer()).toBe(learned)
    expect(bench.knowledge.known(pair, 'verified') !== undefined).toBe(isOwn)
  })

  it('is remembered as answered, whatever becomes of it', () => {
    const answer = begin()
    bench.change(pair)
    answer()
    expect(bench.answered()).toBe(1)
  })

  it('shows how far the clocks are apart, whatever becomes of it', () => {
    const answer = begin(wallMs() + 3_000)
    bench.change(pair)
    answer()
    bench.time.pass(6_000)
    expect(bench.knowledge.mayRecall(pair)).toBe(false)
  })

  it.each([
    ['as old as VERIFY_AFTER', 10_000, true],
    ['older', 10_001, false],
  ])('is timely, or is not: %s', (_title, ms, isTimely) => {
    const mark = bench.knowledge.beginRead()
    bench.time.pass(ms)
    expect(bench.knowledge.isTimely(mark)).toBe(isTimely)
  })
})

describe('a read that began within the margin after a change', () => {
  it.each([
    ['at once', 0, true],
    ['at its end', 5_000, true],
    ['behind it', 5_001, false],
  ])('lives for 1 s, and is not written to the shared cache: %s', (_title, afterMs, unsettled) => {
    bench.change(pair)
    bench.time.pass(afterMs)
    bench.told.length = 0
    expect(bench.read(pair)).toBe('kept')
    expect(bench.told).toEqual(unsettled ? [] : [put])
    bench.time.pass(999)
    expect(bench.knowledge.known(pair, 'verified')).toBeDefined()
    bench.time.pass(1)
    expect(bench.knowledge.known(pair, 'verified') === undefined).toBe(unsettled)
  })

  it('is one also if it was answered later', () => {
    bench.change(pair)
    bench.time.pass(4_900)
    bench.told.length = 0
    bench.read(pair, {}, 500)
    expect(bench.told).toEqual([])
    bench.time.pass(499)
    expect(bench.knowledge.known(pair, 'verified')).toBeDefined()
    bench.time.pass(1)
    expect(bench.knowledge.known(pair, 'verified')).toBeUndefined()
  })

  it.each([
    ['the wall clock alone', (): void => bench.time.jump(60_000)],
    [
      'the monotonic clock alone',
      (): void => {
        bench.time.pass(6_000)
        bench.time.jump(-6_000)
      },
    ],
  ])('is one also if the margin has passed by %s', (_title, act) => {
    bench.change(pair)
    act()
    bench.told.length = 0
    bench.read(pair)
    expect(bench.told).toEqual([])
  })

  it('is verified when it is older than half of its life', () => {
    bench.change(pair)
    bench.read(pair)
    bench.told.length = 0
    bench.time.pass(500)
    bench.knowledge.known(pair, 'cache')
    expect(bench.told).toEqual([])
    bench.time.pass(1)
    bench.knowledge.known(pair, 'cache')
    expect(bench.told).toEqual(['verify u1 org-a'])
  })
})

describe('a read that says what nobody had told', () => {
  it.each([
    ['of what this process had read', (): unknown => bench.read(pair)],
    [
      'of what another process had read',
      (): unknown => bench.knowledge.adopt(pair, factOf(['staff'], { verifiedAtMs: nowMs })),
    ],
  ])('replaces it in memory, and deletes it from the shared cache: %s', (_title, before) => {
    before()
    bench.told.length = 0
    bench.time.pass(1_000)
    expect(bench.read(pair, { rows: [['viewer']] })).toBe('changed')
    expect(memory()?.rows).toEqual([['viewer']])
    expect(bench.told).toEqual([drop, 'unannounced'])
  })

  it('counts as a change that was seen when it began', () => {
    bench.read(pair)
    const older = begin()
    const mark = bench.knowledge.beginRead()
    const newer = begin()
    bench.knowledge.learn(pair, mark, factOf(['viewer'], { verifiedAtMs: nowMs }))
    expect(older()).toBe('overtaken')
    expect(newer(['viewer'])).toBe('kept')
    expect(bench.knowledge.isUnchangedSince(pair, nowMs + 5_000)).toBe(false)
    // So the shared cache has to be newer than that, by the margin.
    bench.time.pass(8_000)
    const adopt = (ms: number): boolean =>
      bench.knowledge.adopt(pair, factOf(['viewer'], { verifiedAtMs: nowMs + ms }))
    expect([adopt(5_000), adopt(5_001)]).toEqual([false, true])
  })

  it('is not written to the shared cache for the margin, then it is', () => {
    bench.read(pair)
    bench.read(pair, { banned: true })
    bench.told.length = 0
    bench.time.pass(5_000)
    bench.read(pair, { banned: true })
    expect(bench.told).toEqual([])
    bench.time.pass(1)
    bench.read(pair, { banned: true })
    expect(bench.told).toEqual([put])
  })

  it('of a claim that granted deletes it from the shared cache too', () => {
    const claimed = factOf(['staff'], { source: 'claims' })
    const learn = (roles: readonly string[]): Learned => {
      const mark = bench.knowledge.beginRead()
      return bench.knowledge.learn(pair, mark, factOf(roles, { verifiedAtMs: nowMs }), claimed)
    }
    expect(learn(['viewer'])).toBe('changed')
    expect(bench.told).toEqual([drop, 'unannounced'])
    expect(memory()?.rows).toEqual([['viewer']])
    // By then memory knows better than the claim.
    expect(learn(['viewer'])).toBe('kept')
  })

  it('is none where a claim is borne out', () => {
    const mark = bench.knowledge.beginRead()
    const claimed = factOf(['staff'], { source: 'claims', platformRoles: [] })
    expect(bench.knowledge.learn(pair, mark, factOf(['staff']), claimed)).toBe('kept')
    expect(bench.told).toEqual([put])
  })
})

describe('the shared cache', () => {
  it('is written to again when its entry is past half of its life', () => {
    bench.read(pair)
    bench.told.length = 0
    bench.time.pass(30_000)
    bench.read(pair)
    expect(bench.told).toEqual([])
    bench.time.pass(1)
    bench.read(pair)
    expect(bench.told).toEqual([put])
    bench.read(pair)
    expect(bench.told).toEqual([put])
  })

  it('is written to again when the entry that was adopted is past half of its life', () => {
    bench.knowledge.adopt(pair, factOf(['staff'], { verifiedAtMs: nowMs - 1_000 }))
    bench.told.length = 0
    bench.time.pass(29_000)
    bench.read(pair)
    expect(bench.told).toEqual([])
    bench.time.pass(1)
    bench.read(pair)
    expect(bench.told).toEqual([put])
  })

  it.each([
    ['the pair that was named, held or not', pair, drop],
    [
      'the pairs of the user that were held',
      { ...pair, organization: null },
      'drop u1 org-b,u1 org-c',
    ],
    [
      'the pairs of the organization that were held',
      { user: null, organization: 'org-b' },
      'drop u1 org-b',
    ],
    ['nothing where nothing was held', { user: 'u9', organization: null }, 'drop '],
  ])('is rid of %s when a change is seen', (_title, change, told) => {
    for (const organization of ['org-b', 'org-c']) bench.read({ ...pair, organization })
    bench.told.length = 0
    bench.change(change)
    expect(bench.told).toEqual([told])
  })
})

it('tells of whom memory holds anything', () => {
  expect(bench.knowledge.holds(pair)).toBe(false)
  bench.read(pair)
  expect(bench.knowledge.holds(pair)).toBe(true)
  expect(bench.knowledge.holds({ ...pair, organization: null })).toBe(false)
})

it('overtakes reads by later changes alone', () => {
  bench.change(pair)
  const mark = bench.knowledge.beginRead()
  expect(bench.knowledge.isOvertaken(pair, mark)).toBe(false)
  bench.change({ ...pair, user: 'u2' })
  expect(bench.knowledge.isOvertaken(pair, mark)).toBe(false)
  bench.change({ ...pair, user: null })
  expect(bench.knowledge.isOvertaken(pair, mark)).toBe(true)
})
