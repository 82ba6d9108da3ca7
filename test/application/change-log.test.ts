import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  createChangeLog,
  type ChangeLog,
  type ChangeMark,
} from '../../src/application/change-log.ts'
import type { Change } from '../../src/domain/change-event.ts'
import type { Pair } from '../../src/domain/fact.ts'
import { createSetClock, type SetClock } from '../support/set-clock.ts'

const pair = { user: 'u1', organization: 'org-a' }
const ofUser = { user: 'u1', organization: null }
const ofOrganization = { user: null, organization: 'org-a' }

let time: SetClock
let log: ChangeLog
let forgotten: ChangeMark[]

const logOf = (maxEntries: number): ChangeLog =>
  createChangeLog({ maxEntries, onForgotten: (mark) => forgotten.push(mark) })

beforeEach(() => {
  time = createSetClock()
  forgotten = []
  log = logOf(100)
})

const mark = (order: number): ChangeMark => ({ order, at: time.clock() })
const orderOf = (of: { user: string; organization: string | null }) => log.last(of)?.order

describe('the log of changes', () => {
  it('knows of none at first', () => {
    expect(log.last(pair)).toBeUndefined()
    expect(log.size()).toBe(0)
    expect(log.forgottenUntilMs()).toBe(-Infinity)
  })

  it.each([
    ['the pair', pair, pair, true],
    ['the pair and not of the user alone', pair, ofUser, false],
    ['the user', ofUser, pair, true],
    ['the user and of no organization', ofUser, ofUser, true],
    ['the organization', ofOrganization, pair, true],
    ['the organization and not of the user alone', ofOrganization, ofUser, false],
    ['another user in it', { user: 'u2', organization: 'org-a' }, pair, false],
    ['the user in another', { user: 'u1', organization: 'org-b' }, pair, false],
    ['another user', { user: 'u2', organization: null }, pair, false],
    ['another organization', { user: null, organization: 'org-b' }, pair, false],
    ['an organization that is named as the user', { user: null, organization: 'u1' }, pair, false],
    ['a user who is named as the organization', { user: 'org-a', organization: null }, pair, false],
  ])('tells whether a change was of %s', (_title, change, of, counts) => {
    log.note(change, mark(1))
    expect(log.last(of)).toEqual(counts ? mark(1) : undefined)
  })

  it.each([
    [[pair, ofUser, ofOrganization]],
    [[ofUser, ofOrganization, pair]],
    [[ofOrganization, pair, ofUser]],
  ])('tells the last of several, whatever it named', (changes) => {
    changes.forEach((change, index) => {
      log.note(change, mark(index + 1))
      expect(orderOf(pair)).toBe(index + 1)
    })
    expect(log.size()).toBe(3)
  })

  it('is not turned back by a change that was seen earlier and noted later', () => {
    log.note(pair, mark(7))
    log.note(pair, mark(3))
    expect(orderOf(pair)).toBe(7)
    log.note(pair, mark(8))
    expect(orderOf(pair)).toBe(8)
    expect(log.size()).toBe(1)
  })
})

describe('forgetting', () => {
  const other = { user: 'u2', organization: 'org-b' }

  it.each([
    ['keeps a change for 15 min', 900_000, 1],
    ['forgets it then', 900_001, undefined],
  ])('%s', (_title, ms, order) => {
    log.note(pair, mark(1))
    const notedMs = time.clock().wallMs
    time.pass(ms)
    log.note(other, mark(2))
    expect(orderOf(pair)).toBe(order)
    expect(log.forgottenUntilMs()).toBe(order === 1 ? -Infinity : notedMs)
    expect(forgotten).toEqual([])
  })

  it('goes by the monotonic clock, which nobody sets', () => {
    log.note(pair, mark(1))
    time.jump(3_600_000)
    log.note(other, mark(2))
    expect(orderOf(pair)).toBe(1)
  })

  it('counts a change that had to be forgotten too soon for every pair', () => {
    log = logOf(2)
    const first = mark(1)
    log.note({ user: 'a', organization: null }, first)
    time.pass(10)
    log.note({ user: 'b', organization: null }, mark(2))
    expect(forgotten).toEqual([])
    log.note({ user: 'c', organization: null }, mark(3))
    expect(forgotten).toEqual([first])
    expect(log.size()).toBe(2)
    for (const user of ['a', 'never seen']) {
      expect(log.last({ user, organization: 'org-a' })).toEqual(first)
    }
    expect(orderOf({ user: 'c', organization: 'org-a' })).toBe(3)
    expect(log.forgottenUntilMs()).toBe(first.at.wallMs)
  })

  it('counts the newest of those that it had to forget', () => {
    log = logOf(1)
    for (const order of [1, 2, 3]) log.note({ user: `u${order}`, organization: null }, mark(order))
    expect(forgotten.map(({ order }) => order)).toEqual([1, 2])
    expect(orderOf({ user: 'anyone', organization: null })).toBe(2)
  })

  it('does not let a forgotten change hide a newer one', () => {
    log = logOf(1)
    log.note(ofUser, mark(1))
    log.note(other, mark(2))
    log.note(ofUser, mark(5))
    expect(orderOf(pair)).toBe(5)
    expect(orderOf({ user: 'anyone', organization: null })).toBe(2)
  })

  it('is of the change that was noted longest ago, not of one that was noted anew', () => {
    log = logOf(2)
    log.note(ofUser, mark(1))
    log.note(other, mark(2))
    log.note(ofUser, mark(3))
    log.note({ user: 'u3', organization: null }, mark(4))
    expect(forgotten.map(({ order }) => order)).toEqual([2])
    expect(orderOf(pair)).toBe(3)
  })

  it('is of old ones first, which need no room and count for nobody', () => {
    log = logOf(2)
    log.note(ofUser, mark(1))
    time.pass(900_001)
    log.note(other, mark(2))
    log.note(ofOrganization, mark(3))
    expect(forgotten).toEqual([])
    expect(log.size()).toBe(2)
    expect(orderOf({ user: 'anyone', organization: null })).toBeUndefined()
  })

  it('tells the newest wall time of all that is forgotten, also where the clock went back', () => {
    log = logOf(1)
    log.note({ user: 'a', organization: null }, mark(1))
    const newestMs = time.clock().wallMs
    time.jump(-60_000)
    log.note({ user: 'b', organization: null }, mark(2))
    log.note({ user: 'c', organization: null }, mark(3))
    expect(log.forgottenUntilMs()).toBe(newestMs)
  })
})

describe('whatever is noted and forgotten', () => {
  const names = fc.constantFrom('a', 'b')
  const changes = fc.oneof(
    fc.record({ user: names, organization: names }),
    fc.record({ user: names, organization: fc.constant(null) }),
    fc.record({ user: fc.constant(null), organization: names }),
  )
  const steps = fc.array(
    fc.record({
      change: changes,
      ms: fc.constantFrom(0, 0, 0, 6, 30),
      back: fc.constantFrom(0, 2),
    }),
    { minLength: 1, maxLength: 30 },
  )
  const pairs = [null, 'a', 'b'].flatMap((organization) => [
    { user: 'a', organization },
    { user: 'b', organization },
  ])

  it('tells what looking through all of them would', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(1, 2, 3, 100), (all, maxEntries) => {
        time = createSetClock()
        const dropped: ChangeMark[] = []
        const keeping = {
          maxEntries,
          keepMs: 25,
          onForgotten: (one: ChangeMark) => dropped.push(one),
        }
        log = createChangeLog(keeping)
        let kept: { change: (typeof all)[number]['change']; mark: ChangeMark }[] = []
        all.forEach(({ back, change, ms }, at) => {
          time.pass(ms)
          const noted = mark(10 + at - back)
          log.note(change, noted)
          const same = kept.find((one) => isSame(one.change, change))
          if (same !== undefined && same.mark.order > noted.order) return
          kept = [...kept.filter((one) => one !== same), { change, mark: noted }]
          while (kept[0] !== undefined) {
            const isOld = noted.at.monotonicMs - kept[0].mark.at.monotonicMs > 25
            if (!isOld && kept.length <= maxEntries) break
            kept.shift()
          }
          for (const pair of pairs) {
            const of = kept.filter((one) => touches(one.change, pair)).map((one) => one.mark.order)
            const orders = [...of, ...dropped.map(({ order }) => order)]
            expect(log.last(pair)?.order).toBe(
              orders.length === 0 ? undefined : Math.max(...orders),
            )
          }
          expect(log.size()).toBe(kept.length)
        })
      }),
    )
  })

  const isSame = (one: Change, other: Change): boolean =>
    one.user === other.user && one.organization === other.organization

  function touches(change: Change, pair: Pair): boolean {
    if (change.user === null) return change.organization === pair.organization
    if (change.user !== pair.user) return false
    return change.organization === null || change.organization === pair.organization
  }
})
