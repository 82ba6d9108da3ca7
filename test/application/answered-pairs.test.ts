import { beforeEach, describe, expect, it } from 'vitest'
import { createAnsweredPairs, type AnsweredPairs } from '../../src/application/answered-pairs.ts'
import { createSetClock, type SetClock } from '../support/set-clock.ts'

const pairOf = (user: string) => ({ user, organization: 'org-a' })

let time: SetClock
let answered: AnsweredPairs

beforeEach(() => {
  time = createSetClock()
  answered = createAnsweredPairs(2)
})

const note = (user: string): void => answered.note(pairOf(user), time.clock())
const has = (user: string): boolean => answered.has(pairOf(user), time.clock())

describe('the pairs that PostgreSQL answered for', () => {
  it('are those that were noted', () => {
    note('u1')
    expect([has('u1'), has('u2')]).toEqual([true, false])
    expect(answered.has({ user: 'u1', organization: null }, time.clock())).toBe(false)
    expect(answered.has({ user: 'u1', organization: 'org-b' }, time.clock())).toBe(false)
  })

  it.each([
    ['for 15 min', 900_000, true],
    ['no longer', 900_001, false],
  ])('are known %s', (_title, ms, known) => {
    note('u1')
    time.pass(ms)
    expect(has('u1')).toBe(known)
  })

  it('are known by the monotonic clock, which nobody sets', () => {
    note('u1')
    time.jump(3_600_000)
    expect(has('u1')).toBe(true)
  })

  it('are known 15 min from the last answer', () => {
    note('u1')
    time.pass(600_000)
    note('u1')
    time.pass(600_000)
    expect(has('u1')).toBe(true)
    expect(answered.size()).toBe(1)
  })

  it('are noted in as much room as there is', () => {
    note('u1')
    note('u2')
    expect(has('never seen')).toBe(false)
    note('u1')
    expect(has('never seen')).toBe(false)
    expect(answered.size()).toBe(2)
  })

  it('are all pairs for 15 min after one had to be left out', () => {
    note('u1')
    note('u2')
    time.pass(10)
    note('u3')
    expect(answered.size()).toBe(2)
    time.pass(900_000)
    expect([has('u1'), has('u3'), has('never seen')]).toEqual([true, true, true])
    time.pass(1)
    expect([has('u1'), has('u3'), has('never seen')]).toEqual([false, false, false])
  })

  it('are all pairs for longer where another one had to be left out', () => {
    for (const user of ['u1', 'u2', 'u3']) note(user)
    time.pass(500_000)
    note('u4')
    time.pass(900_000)
    expect(has('never seen')).toBe(true)
  })

  it('make room for others after 15 min', () => {
    note('u1')
    time.pass(500_000)
    note('u2')
    time.pass(400_001)
    note('u3')
    expect(answered.size()).toBe(2)
    expect([has('u1'), has('u2'), has('u3')]).toEqual([false, true, true])
  })

  it('make room in the order of their last answer', () => {
    note('u1')
    note('u2')
    time.pass(500_000)
    note('u1')
    time.pass(400_001)
    note('u3')
    expect([has('u1'), has('u2'), has('u3')]).toEqual([true, false, true])
  })

  it('are known no shorter where a clock tells fractions', () => {
    time.pass(0.75)
    note('u1')
    time.pass(900_000)
    expect(has('u1')).toBe(true)
  })

  it('are known as long, however often others are noted meanwhile', () => {
    answered = createAnsweredPairs(1_000)
    for (const user of ['u1', 'u2', 'u3', 'u4']) note(user)
    for (let minute = 1; minute <= 29; minute += 1) {
      time.pass(60_000)
      note('u1')
      note(`other${minute}`)
      if (minute === 10) note('u2')
      const expected = [true, minute <= 25, minute <= 15]
      expect([has('u1'), has('u2'), has('u3')]).toEqual(expected)
    }
    for (let noted = 0; noted < 20; noted += 1) note('u1')
    expect(answered.size()).toBe(17) // others of the last 15 min, and the first of these just so
  })
})
