import { describe, expect, it } from 'vitest'
import { compareClocks } from '../../src/application/doctor-clock.ts'

describe('clocks', () => {
  /** A machine whose clock stands still but for the round trips, in the middle of which it is read. */
  const compare = (aheadMs: number, roundTripsMs: readonly number[]) => {
    let nowMs = 1_000_000
    let trip = 0
    return compareClocks({
      ...{ name: 'x.clock', whose: 'its clock', status: 'error', why: 'it matters' },
      read: async () => {
        const tookMs = roundTripsMs[trip % roundTripsMs.length] ?? 0
        trip += 1
        nowMs += tookMs
        return nowMs - tookMs / 2 + aheadMs
      },
      now: () => nowMs,
    })
  }

  it.each([
    ['ok', 0, [10]],
    ['ok', 1_990, [10]],
    ['error', 2_010, [10]],
    ['error', -2_010, [10]],
    ['ok', 2_400, [1_000]], // the middle may be off by half of it
    ['error', 2_400, [1_000, 10, 1_000]],
  ] as const)(
    '%s where the other is %d ms ahead, in round trips of %j ms',
    async (status, aheadMs, trips) => {
      const finding = await compare(aheadMs, trips)
      expect(finding.status).toBe(status)
      expect(finding.message).toContain(aheadMs < 0 ? 'behind' : 'ahead of')
    },
  )
})
