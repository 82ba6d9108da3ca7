import { beforeEach, describe, expect, it } from 'vitest'
import { createWatch, type Watch } from '../../src/application/watch.ts'
import { createSetClock, type SetClock } from '../support/set-clock.ts'

let time: SetClock
let order: number
let watch: Watch

beforeEach(() => {
  time = createSetClock()
  order = 10
  watch = createWatch({ clock: time.clock, nextOrder: () => (order += 1) })
})

const coverage = () => watch.coverage(time.clock())
const wallMs = () => time.clock().wallMs
const prove = (ms = 0): void => watch.proved(time.at(ms))

/** Begins and proves at once; returns what is covered from then on. */
function hold(): { readonly order: number; readonly wallMs: number } {
  watch.began(wallMs())
  prove()
  const held = coverage()
  if (held === null) throw new Error('the watch does not hold')
  return held
}

describe('the watch', () => {
  it('does not hold before it began', () => {
    expect(coverage()).toBeNull()
    prove()
    expect(coverage()).toBeNull()
    watch.resumed()
    prove()
    expect(coverage()).toBeNull()
  })

  it('holds from when it is proved, and covers what came after its beginning', () => {
    watch.began(wallMs() - 65_000)
    expect(coverage()).toBeNull()
    time.pass(10)
    prove()
    expect(coverage()).toEqual({ order: 11, wallMs: wallMs() - 65_010 })
  })

  it.each([
    ['holds 5 s after', (): void => time.pass(5_000), true],
    ['is lost more than 5 s after', (): void => time.pass(5_001), false],
    ['is lost where the machine slept for more than 5 s after', () => time.sleep(5_001), false],
    [
      'is lost where the wall clock creeps beyond 5 s after',
      () => {
        time.pass(4_500)
        time.jump(501)
      },
      false,
    ],
    [
      'is lost where the wall clock creeps back and 5 s have passed',
      () => {
        time.jump(-900)
        time.pass(5_001)
      },
      false,
    ],
  ])('%s the newest proof was asked for', (_title, act, holds) => {
    hold()
    act()
    expect(coverage() !== null).toBe(holds)
  })

  it('counts a proof from when it was asked for, not from when it came', () => {
    watch.began(wallMs())
    time.pass(4_000)
    prove(-3_000)
    time.pass(2_000)
    expect(coverage()).not.toBeNull()
    time.pass(1)
    expect(coverage()).toBeNull()
  })

  it('keeps the newest proof, whichever comes last', () => {
    watch.began(wallMs())
    time.pass(4_000)
    prove(0)
    prove(-3_000)
    time.pass(5_000)
    expect(coverage()).not.toBeNull()
    prove(0)
    time.pass(5_000)
    expect(coverage()).not.toBeNull()
  })

  it('holds again, with its beginning, once it is proved again', () => {
    const held = hold()
    time.pass(60_000)
    expect(coverage()).toBeNull()
    prove()
    expect(coverage()).toEqual(held)
  })
})

describe('a break', () => {
  it('ends the watch at once, and proofs that come late do not bring it back', () => {
    hold()
    watch.broke()
    expect(coverage()).toBeNull()
    time.pass(10)
    prove()
    expect(coverage()).toBeNull()
  })

  it('is the end of what was covered where it begins anew', () => {
    const { order } = hold()
    time.pass(1_000)
    watch.broke()
    time.pass(1_000)
    watch.began(wallMs())
    expect(coverage()).toBeNull()
    prove()
    expect(coverage()).toEqual({ order: order + 1, wallMs: wallMs() })
  })

  it('takes nothing from what is covered where it resumes', () => {
    const held = hold()
    time.pass(1_000)
    watch.broke()
    time.pass(60_000)
    watch.resumed()
    expect(coverage()).toBeNull()
    prove()
    expect(coverage()).toEqual(held)
  })

  it('that nobody told of makes older proofs worthless too', () => {
    hold()
    watch.began(wallMs())
    expect(coverage()).toBeNull()
    prove()
    watch.resumed()
    expect(coverage()).toBeNull()
  })
})

describe('a jump of the wall clock', () => {
  it.each([
    ['of 1 s forward', 1_000],
    ['of 1 s back', -1_000],
  ])('%s is none', (_title, ms) => {
    const held = hold()
    time.jump(ms)
    expect(coverage()).toEqual(held)
  })

  it.each([
    ['forward', 1_001],
    ['back', -1_001],
    ['far back', -3_600_000],
  ])('%s ends the watch, which begins anew there', (_title, ms) => {
    const { order } = hold()
    time.pass(10)
    time.jump(ms)
    const jumpedAt = wallMs()
    expect(coverage()).toBeNull()
    time.pass(10)
    prove()
    expect(coverage()).toEqual({ order: order + 1, wallMs: jumpedAt })
  })

  it('ends it also where a proof is the first to notice', () => {
    const { order } = hold()
    time.jump(5_000)
    const jumpedAt = wallMs()
    prove()
    expect(coverage()).toEqual({ order: order + 1, wallMs: jumpedAt })
  })

  it.each([
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ])('%s makes proofs that were asked for before it worthless', (_title, ms) => {
    hold()
    const asked = time.clock()
    time.pass(10)
    time.jump(ms)
    watch.proved(asked)
    expect(coverage()).toBeNull()
    prove()
    expect(coverage()).not.toBeNull()
  })

  it('before it began is no matter', () => {
    time.jump(50_000)
    const began = wallMs()
    hold()
    expect(coverage()).toEqual({ order: 11, wallMs: began })
  })

  it('while it is broken moves the beginning that it resumes with', () => {
    const { order } = hold()
    watch.broke()
    time.jump(-50_000)
    expect(coverage()).toBeNull()
    const jumpedAt = wallMs()
    time.pass(10)
    watch.resumed()
    prove()
    expect(coverage()).toEqual({ order: order + 1, wallMs: jumpedAt })
  })

  it('is noticed although the clock only crept before', () => {
    const held = hold()
    for (let left = 5; left > 0; left -= 1) {
      time.pass(10)
      time.jump(900)
      prove()
      expect(coverage()).toEqual(held)
    }
    time.jump(1_100)
    expect(coverage()).toBeNull()
  })
})

describe('a change that was forgotten', () => {
  const mark = (order: number, ms: number) => ({ order, at: time.at(ms) })

  it('moves the beginning to its time', () => {
    hold()
    time.pass(3_000)
    watch.forgot(mark(17, -1_000))
    expect(coverage()).toEqual({ order: 17, wallMs: wallMs() - 1_000 })
  })

  it('from before the beginning moves nothing', () => {
    const held = hold()
    watch.forgot(mark(3, -1_000))
    expect(coverage()).toEqual(held)
  })

  it('moves order and time each by itself', () => {
    const held = hold()
    watch.forgot(mark(17, -1_000))
    expect(coverage()).toEqual({ order: 17, wallMs: held.wallMs })
  })

  it('before anything began makes nothing begin', () => {
    watch.forgot(mark(3, 0))
    prove()
    expect(coverage()).toBeNull()
  })
})
