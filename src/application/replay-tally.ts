import type { Policy } from '../domain/policy.ts'
import type { RecordedDecision } from '../domain/recorded.ts'
import { countKey, mergeKeyCounts, newKeyCounts, type KeyCounts } from './key-counts.ts'
import { organizationOf } from './replay-filter.ts'
import type { Change, ChangeKind, Outcome, Undetermined } from './replay-outcome.ts'
import { keepSample, mergeSamples, type LinePlace, type ReplaySamples } from './replay-samples.ts'

/**
 * What a replay has counted so far. Plain data, so that threads can hand theirs over; it grows with
 * the policies, not with the log. Merging is associative and commutative.
 */
export interface ReplayTally {
  readonly numbers: Record<Counted, number>
  readonly undetermined: Map<Undetermined, number>
  /** Decisions by the version of their policy, and those whose policy is in no log. */
  readonly policies: KeyCounts
  readonly withoutPolicy: KeyCounts
  /** Changes, in the order of `countedChanges`. */
  readonly routes: KeyCounts
  readonly organizations: KeyCounts
  readonly roles: KeyCounts
  readonly platformRoles: KeyCounts
  readonly subjects: KeyCounts
  readonly samples: ReplaySamples
}

type Counted =
  | ChangeKind
  | 'same'
  | 'kept'
  | 'undetermined'
  /** Not asked for, by the filter. */
  | 'filtered'
  /** Lines of other kinds, and lines that cannot be read. */
  | 'other'
  | 'broken'
  /** Allows that were not logged beside one that was, in millionths: whole numbers add exactly. */
  | `unlogged_${'same' | 'undetermined' | 'allow_to_deny'}`

/** The changes that are told apart by route, organization, role and subject, in this order. */
export const countedChanges = [
  'allow_to_deny',
  'deny_to_allow',
  'newly_enforced',
  'newly_lifted',
] as const

const maxKeys = 10_000
const millionths = 1_000_000

/** Makes a tally of nothing. */
export function newTally(): ReplayTally {
  const changes = (): KeyCounts => newKeyCounts(countedChanges.length, maxKeys)
  return {
    numbers: {
      same: 0,
      kept: 0,
      undetermined: 0,
      allow_to_deny: 0,
      deny_to_allow: 0,
      newly_enforced: 0,
      newly_lifted: 0,
      reason: 0,
      filtered: 0,
      other: 0,
      broken: 0,
      unlogged_same: 0,
      unlogged_undetermined: 0,
      unlogged_allow_to_deny: 0,
    },
    undetermined: new Map(),
    policies: newKeyCounts(1, maxKeys),
    withoutPolicy: newKeyCounts(1, maxKeys),
    routes: changes(),
    organizations: changes(),
    roles: changes(),
    platformRoles: changes(),
    subjects: changes(),
    samples: new Map(),
  }
}

/** Adds what was counted of another part of the input. */
export function mergeTally(into: ReplayTally, from: ReplayTally): void {
  for (const name of Object.keys(into.numbers) as Counted[]) {
    into.numbers[name] += from.numbers[name]
  }
  for (const [gap, count] of from.undetermined) {
    into.undetermined.set(gap, (into.undetermined.get(gap) ?? 0) + count)
  }
  for (const name of [
    'policies',
    'withoutPolicy',
    'routes',
    'organizations',
    'roles',
    'platformRoles',
    'subjects',
  ] as const) {
    mergeKeyCounts(into[name], from[name])
  }
  mergeSamples(into.samples, from.samples)
}

/** Counts a decision that was made again. `known` are the policies whose platform roles count. */
export function countOutcome(
  tally: ReplayTally,
  outcome: Outcome,
  {
    known,
    place,
    record,
  }: {
    readonly record: RecordedDecision
    readonly place: LinePlace
    readonly known: readonly Policy[]
  },
): void {
  const { numbers } = tally
  countKey(tally.policies, record.policy, 0)
  countUnlogged(tally, outcome, record)
  switch (outcome.kind) {
    case 'kept':
    case 'same':
      numbers[outcome.kind] += 1
      return
    case 'undetermined':
      numbers.undetermined += 1
      tally.undetermined.set(outcome.gap, (tally.undetermined.get(outcome.gap) ?? 0) + 1)
      return
    case 'different':
      numbers[outcome.change] += 1
      countChange(tally, outcome, { record, known })
      keepSample(tally.samples, outcome, { record, place, organization: organizationOf(record) })
  }
}

function countUnlogged(
  { numbers }: ReplayTally,
  outcome: Outcome,
  { share }: RecordedDecision,
): void {
  if (share === undefined || share === 1) return
  const kind = outcome.kind === 'different' ? outcome.change : outcome.kind
  if (kind === 'same' || kind === 'undetermined' || kind === 'allow_to_deny') {
    numbers[`unlogged_${kind}`] += Math.round((1 / share - 1) * millionths)
  }
}

function countChange(
  tally: ReplayTally,
  { change, route }: Change,
  { known, record }: { readonly record: RecordedDecision; readonly known: readonly Policy[] },
): void {
  const index = countedChanges.findIndex((one) => one === change)
  if (index === -1) return
  const { fact, token, user_id } = record
  const organization = organizationOf(record)
  countKey(tally.routes, route ?? '', index)
  if (organization !== null) countKey(tally.organizations, organization, index)
  if (user_id !== null) countKey(tally.subjects, user_id, index)
  for (const role of new Set(fact?.rows.flat() ?? token?.org_roles)) {
    countKey(tally.roles, role, index)
  }
  for (const role of fact?.platform_roles ?? []) {
    if (known.some(({ platformRoles }) => platformRoles.has(role))) {
      countKey(tally.platformRoles, role, index)
    }
  }
}
