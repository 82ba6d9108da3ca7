import { describe, expect, it } from 'vitest'
import * as freshness from '../../src/domain/freshness.ts'
import {
  acceptsUnverified,
  isCovered,
  isCoveredElsewhere,
  isGone,
  isVerified,
  type HeldFact,
} from '../../src/domain/freshness.ts'
import { factOf, nowMs } from '../support/builders.ts'

const now = { monotonicMs: 1_000_000, wallMs: nowMs }
const bounds = { verifyAfterMs: 10_000, cacheTtlMs: 60_000 }

/** A fact that is so old by both clocks, or by one of them only. */
function held(
  parts: Partial<HeldFact> & { readonly ageMs?: number; readonly wallAgeMs?: number } = {},
): HeldFact {
  const { ageMs = 0, wallAgeMs = ageMs, ...others } = parts
  const since = { monotonicMs: now.monotonicMs - ageMs, wallMs: now.wallMs - wallAgeMs }
  return { fact: factOf(['staff']), order: 5, since, own: true, lifeMs: 60_000, ...others }
}

it('keeps to the times of contract section 6', () => {
  const { absenceLifeMs, marginMs, maxSkewMs, rememberedMs, unsettledLifeMs } = freshness
  expect({ absenceLifeMs, marginMs, maxSkewMs, rememberedMs, unsettledLifeMs }).toEqual({
    absenceLifeMs: 2_000,
    marginMs: 5_000,
    maxSkewMs: 2_000,
    rememberedMs: 15 * 60_000,
    unsettledLifeMs: 1_000,
  })
})

describe('isGone', () => {
  it.each([
    ['new', { ageMs: 0 }, false],
    ['just within its life', { ageMs: 59_999 }, false],
    ['at the end of its life', { ageMs: 60_000 }, true],
    ['past a short life', { ageMs: 1_000, lifeMs: 1_000 }, true],
    ['past its life by the wall clock alone', { ageMs: 1, wallAgeMs: 60_000 }, true],
    ['past its life by the monotonic clock alone', { ageMs: 60_000, wallAgeMs: -9 }, true],
  ])('tells of a fact that is %s', (_title, parts, gone) => {
    expect(isGone(held(parts), now)).toBe(gone)
  })
})

describe('isVerified', () => {
  it.each([
    ['new', {}, true],
    ['as old as VERIFY_AFTER', { ageMs: 10_000 }, true],
    ['older than VERIFY_AFTER', { ageMs: 10_001 }, false],
    ['older by the wall clock alone', { ageMs: 1, wallAgeMs: 10_001 }, false],
    ['older by the monotonic clock alone', { ageMs: 10_001, wallAgeMs: 1 }, false],
    ['new, but of another process', { own: false }, false],
  ])('tells of a fact that is %s', (_title, parts, verified) => {
    expect(isVerified(held(parts), now, bounds)).toBe(verified)
  })
})

describe('isCovered', () => {
  const coverage = { order: 4, wallMs: nowMs - 600_000 }
  it.each([
    ['read after the watch began', {}, coverage, true],
    ['of another process', { own: false }, coverage, true],
    ['read when the watch began', { order: 4 }, coverage, false],
    ['read before the watch began', { order: 3 }, coverage, false],
    ['read while no watch holds', {}, null, false],
    ['just younger than CACHE_TTL', { ageMs: 59_999 }, coverage, true],
    ['as old as CACHE_TTL', { ageMs: 60_000, lifeMs: Infinity }, coverage, false],
    ['as old by the wall clock alone', { ageMs: 1, wallAgeMs: 60_000 }, coverage, false],
  ])('tells of a fact that is %s', (_title, parts, coverage, covered) => {
    expect(isCovered(held(parts), now, coverage, bounds)).toBe(covered)
  })
})

describe('acceptsUnverified', () => {
  it.each([
    ['claims', true],
    ['cache', true],
    ['verified', false],
    ['database', false],
  ] as const)('is of %s routes: %s', (freshness, accepts) => {
    expect(acceptsUnverified(freshness)).toBe(accepts)
  })
})

describe('isCoveredElsewhere', () => {
  const beganAt = (ms: number) => ({ order: 1, wallMs: nowMs - ms })
  it.each([
    ['newer than the beginning by more than the margin', 10_000, beganAt(15_001), true],
    ['newer by the margin alone', 10_000, beganAt(15_000), false],
    ['as new as the beginning', 10_000, beganAt(10_000), false],
    ['from before the beginning', 10_000, beganAt(5_000), false],
    ['read while no watch holds', 10_000, null, false],
    ['just younger than CACHE_TTL less the margin', 54_999, beganAt(600_000), true],
    ['as old as CACHE_TTL less the margin', 55_000, beganAt(600_000), false],
    ['from a clock that is ahead', -1_000, beganAt(600_000), true],
  ])('tells of what is %s', (_title, ageMs, coverage, covered) => {
    expect(isCoveredElsewhere(nowMs - ageMs, now, coverage, bounds)).toBe(covered)
  })
})
