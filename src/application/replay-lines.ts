import type { Policy } from '../domain/policy.ts'
import { readRecord } from '../domain/read-record.ts'
import type { RecordedDecision } from '../domain/recorded.ts'
import { isKept } from '../domain/replay.ts'
import { countKey } from './key-counts.ts'
import { replays, type ReplayFilter } from './replay-filter.ts'
import { outcomeOf } from './replay-outcome.ts'
import type { ReplayPolicies } from './replay-policies.ts'
import type { LinePlace } from './replay-samples.ts'
import { countOutcome, newTally, type ReplayTally } from './replay-tally.ts'

/** Replays lines one after the other, and counts. */
export interface LineReplay {
  /** Takes a parsed line. Returns the version of the policy that it lacks; it is not counted then. */
  readonly line: (value: unknown, place: LinePlace) => string | undefined
  /** The same of a decision that was read; it is not kept. */
  readonly decision: (record: RecordedDecision, place: LinePlace) => string | undefined
  /** Counts a line that cannot be parsed. */
  readonly broken: () => void
  /** Counts a decision whose policy is nowhere. */
  readonly withoutPolicy: (version: string) => void
  /** Decides what still waits; lines are taken again afterwards. */
  readonly flush: () => Promise<void>
  readonly tally: ReplayTally
}

/** What lines are replayed with. */
export interface LineReplayDeps {
  /** Those in the lines are added. */
  readonly policies: ReplayPolicies
  /** Undefined: each decision's own policy. */
  readonly candidate: Policy | undefined
  readonly filter: ReplayFilter
}

/** A decision to make again. */
export interface ReplayableDecision {
  readonly record: RecordedDecision
  readonly policy: Policy
  readonly place: LinePlace
}

/** Makes the replay of a part of a log, on recorded facts. */
export function createLineReplay(deps: LineReplayDeps): LineReplay {
  const { candidate } = deps
  const tally = newTally()
  return {
    ...createLineReader(deps, tally, ({ place, policy, record }) => {
      const known = candidate === undefined ? [policy] : [policy, candidate]
      countOutcome(tally, outcomeOf(record, policy, candidate), { record, place, known })
    }),
    flush: () => Promise.resolve(),
  }
}

/** Tells lines apart, and counts those that are no decision to replay. */
export function createLineReader(
  { filter, policies }: LineReplayDeps,
  tally: ReplayTally,
  take: (decision: ReplayableDecision) => void,
): Omit<LineReplay, 'flush'> {
  const { numbers } = tally
  const isWanted = replays(filter)
  function decision(record: RecordedDecision, place: LinePlace): string | undefined {
    if (!isWanted(record)) numbers.filtered += 1
    else if (isKept(record)) countOutcome(tally, { kind: 'kept' }, { record, place, known: [] })
    else {
      const policy = policies.get(record.policy)
      if (policy === undefined) return record.policy
      take({ record, policy, place })
    }
    return undefined
  }
  return {
    tally,
    decision,
    line(value, place) {
      const line = readRecord(value)
      if (line.kind === 'decision') return decision(line.record, place)
      if (line.kind !== 'policy') numbers[line.kind] += 1
      else if (!policies.add(line.version, line.definition)) numbers.broken += 1
      return undefined
    },
    broken: () => void (numbers.broken += 1),
    withoutPolicy: (version) => countKey(tally.withoutPolicy, version, 0),
  }
}
