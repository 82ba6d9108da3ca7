import { expect, it } from 'vitest'
import { recoveryMs } from '../../bench/scenarios/overload.ts'

const none = { allow: 0, deny: 0, unavailable: 0, failed: 0, gave_up: 0 }
const calm = { counts: { ...none, allow: 10 }, p99: 900 }
const refusing = { counts: { ...none, allow: 5, unavailable: 5 }, p99: 900 }
const slow = { counts: { ...none, allow: 10 }, p99: 30_000 }
const at = (atMs: number, moment: typeof calm) => ({ atMs, ...moment })
/** The overload ends at 4,000 ms; a moment is 50 ms. */
const overloaded = [at(0, refusing), at(3_950, slow)]

it.each([
  ['at once', [...overloaded, at(4_000, calm), at(4_050, calm)], 0],
  ['after the last refusal', [...overloaded, at(4_000, refusing), at(4_050, calm)], 50],
  ['after the last slow answer', [...overloaded, at(4_000, calm), at(4_050, slow)], 100],
  [
    'with a relapse',
    [...overloaded, at(4_000, refusing), at(4_050, calm), at(4_500, slow), at(4_550, calm)],
    550,
  ],
])('recovers %s', (_title, timeline, ms) => {
  expect(recoveryMs(timeline)).toBe(ms)
})
