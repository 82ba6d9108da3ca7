import { error, ok, warn, type Finding } from '../domain/finding.ts'
import { maxSkewMs } from '../domain/freshness.ts'

const samples = 3

/** What a clock is compared with. */
export interface ClockComparison {
  readonly name: string
  /** Whose clock it is. */
  readonly whose: string
  readonly status: 'warn' | 'error'
  /** What follows where they are too far apart. */
  readonly why: string
  /** Reads the other clock, in ms since 1970. */
  readonly read: () => Promise<number>
  /** This machine's wall clock, in ms since 1970. */
  readonly now: () => number
}

/**
 * Compares another machine's clock with this one's: the other is taken to have read its clock in
 * the middle of the round trip, and the quickest of a few round trips counts.
 */
export async function compareClocks(comparison: ClockComparison): Promise<Finding> {
  const { name, whose, now } = comparison
  let best = { aheadMs: 0, roundTripMs: Infinity }
  for (let sample = 0; sample < samples; sample += 1) {
    const sentMs = now()
    const theirsMs = await comparison.read()
    const roundTripMs = Math.max(0, now() - sentMs)
    if (roundTripMs < best.roundTripMs) {
      best = { aheadMs: theirsMs - (sentMs + roundTripMs / 2), roundTripMs }
    }
  }
  const { aheadMs, roundTripMs } = best
  const text = `${whose} is ${seconds(Math.abs(aheadMs))} ${aheadMs < 0 ? 'behind' : 'ahead of'} this machine`
  const within = `to ${seconds(roundTripMs / 2)}`
  // Beyond doubt: half a round trip is how far the middle may be off.
  if (Math.abs(aheadMs) - roundTripMs / 2 <= maxSkewMs) return ok(name, `${text}, known ${within}`)
  return (comparison.status === 'error' ? error : warn)(name, `${text}, known ${within}`, {
    why: comparison.why,
    mend: 'timedatectl set-ntp true   # on both machines; then: timedatectl timesync-status',
  })
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`
}
