import { topKeys, type KeyCounts } from './key-counts.ts'
import type { ChangeKind } from './replay-outcome.ts'
import { sortedSamples, type ReplaySample } from './replay-samples.ts'
import type { ReplayTally } from './replay-tally.ts'

/** The result of a replay, as `--format json` prints it (contract section 1). */
export interface ReplayReport {
  /** What was replayed: all of `same`, `different`, `kept` and `undetermined`. */
  readonly decisions: number
  readonly same: number
  /** Other decision, other outcome, or only another reason. */
  readonly different: number
  readonly kept: number
  readonly undetermined: number
  /** Lines that were not replayed, without those that the filter leaves out. */
  readonly skipped: number
  readonly flips: Flips
  readonly routes: Readonly<Record<string, Flips>>
  readonly organizations: Readonly<Record<string, Flips>>
  readonly roles: Readonly<Record<string, Flips>>
  readonly platform_roles: Readonly<Record<string, Flips>>
  readonly subjects: Readonly<Record<string, Flips>>
  /** What is not in these five: keys beyond the first thousand of each, together. */
  readonly others: Readonly<Record<Grouping, Flips>>
  readonly samples: readonly ReportedSample[]
  /** The policy says the same, but whether the request goes through differs (`mode: shadow`). */
  readonly enforcement: Enforcement & { readonly routes: Readonly<Record<string, Enforcement>> }
  /** Neither flips nor changes in what goes through: the reason alone is another. */
  readonly other_reason: number
  readonly undetermined_by: Readonly<Record<string, number>>
  readonly skipped_by: {
    readonly other: number
    readonly broken: number
    /** Decisions by the version of the policy that no log and no file holds. */
    readonly without_policy: Readonly<Record<string, number>>
  }
  readonly filtered: number
  /** The same numbers with those allows that were not logged, from the share that was. */
  readonly estimated: {
    readonly decisions: number
    readonly same: number
    readonly undetermined: number
    readonly flips: Flips
  }
  /** Decisions by the version of the policy that made them. */
  readonly policies: Readonly<Record<string, number>>
  /** Logs that could not be read to their end, and why: what they held besides is not in here. */
  readonly incomplete: readonly IncompleteLog[]
}

/** A log that could not be read to its end. */
export interface IncompleteLog {
  readonly file: string
  readonly message: string
}

/** Decisions that flip. */
export interface Flips {
  readonly allow_to_deny: number
  readonly deny_to_allow: number
}

/** Refusals that begin or cease to be enforced. */
export interface Enforcement {
  readonly newly_enforced: number
  readonly newly_lifted: number
}

/** A decision that came out differently. */
export interface ReportedSample {
  readonly change: ChangeKind
  readonly decision_id: string
  readonly timestamp: string
  readonly route: string | null
  readonly method: string
  readonly host: string
  readonly path: string | null
  readonly user_id: string | null
  readonly organization_id: string | null
  readonly recorded: DecisionAndReason
  readonly replayed: DecisionAndReason
}

interface DecisionAndReason {
  readonly decision: 'allow' | 'deny'
  readonly reason: string
}

type Grouping = 'routes' | 'organizations' | 'roles' | 'platform_roles' | 'subjects'

/** Keys that are told apart in a report, the most affected first. */
const maxReported = 1_000
const millionths = 1_000_000

/** Makes the report of all that was counted. */
export function reportOf(
  tally: ReplayTally,
  incomplete: readonly IncompleteLog[] = [],
): ReplayReport {
  const { numbers } = tally
  const { allow_to_deny, deny_to_allow, kept, newly_enforced, newly_lifted, reason, same } = numbers
  const { undetermined } = numbers
  const different = allow_to_deny + deny_to_allow + newly_enforced + newly_lifted + reason
  const decisions = same + different + kept + undetermined
  const groups = {
    routes: topKeys(tally.routes, maxReported),
    organizations: topKeys(tally.organizations, maxReported),
    roles: topKeys(tally.roles, maxReported),
    platform_roles: topKeys(tally.platformRoles, maxReported),
    subjects: topKeys(tally.subjects, maxReported),
  }
  const flipped = (name: Grouping): Readonly<Record<string, Flips>> =>
    recordOf(groups[name].keys, flipsOf, isFlipped)
  const unlogged = (kind: 'same' | 'undetermined' | 'allow_to_deny'): number =>
    Math.round(numbers[`unlogged_${kind}`] / millionths)
  return {
    decisions,
    same,
    different,
    kept,
    undetermined,
    skipped: numbers.other + numbers.broken + (tally.withoutPolicy.total[0] ?? 0),
    flips: { allow_to_deny, deny_to_allow },
    routes: flipped('routes'),
    organizations: flipped('organizations'),
    roles: flipped('roles'),
    platform_roles: flipped('platform_roles'),
    subjects: flipped('subjects'),
    others: {
      routes: flipsOf(groups.routes.others),
      organizations: flipsOf(groups.organizations.others),
      roles: flipsOf(groups.roles.others),
      platform_roles: flipsOf(groups.platform_roles.others),
      subjects: flipsOf(groups.subjects.others),
    },
    samples: sortedSamples(tally.samples).map(reportedSample),
    enforcement: {
      newly_enforced,
      newly_lifted,
      routes: recordOf(groups.routes.keys, enforcementOf, (numbers) => !isFlippedOnly(numbers)),
    },
    other_reason: reason,
    undetermined_by: Object.fromEntries([...tally.undetermined].sort()),
    skipped_by: {
      other: numbers.other,
      broken: numbers.broken,
      without_policy: plainCounts(tally.withoutPolicy),
    },
    filtered: numbers.filtered,
    estimated: {
      decisions:
        decisions + unlogged('same') + unlogged('undetermined') + unlogged('allow_to_deny'),
      same: same + unlogged('same'),
      undetermined: undetermined + unlogged('undetermined'),
      flips: { allow_to_deny: allow_to_deny + unlogged('allow_to_deny'), deny_to_allow },
    },
    policies: plainCounts(tally.policies),
    incomplete,
  }
}

function recordOf<T>(
  keys: readonly (readonly [string, readonly number[]])[],
  of: (numbers: readonly number[]) => T,
  isShown: (numbers: readonly number[]) => boolean,
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    keys.filter(([, numbers]) => isShown(numbers)).map(([key, numbers]) => [key, of(numbers)]),
  )
}

function flipsOf([allow_to_deny = 0, deny_to_allow = 0]: readonly number[]): Flips {
  return { allow_to_deny, deny_to_allow }
}

function enforcementOf([, , newly_enforced = 0, newly_lifted = 0]: readonly number[]): Enforcement {
  return { newly_enforced, newly_lifted }
}

function isFlipped([allowToDeny = 0, denyToAllow = 0]: readonly number[]): boolean {
  return allowToDeny + denyToAllow > 0
}

function isFlippedOnly([, , newlyEnforced = 0, newlyLifted = 0]: readonly number[]): boolean {
  return newlyEnforced + newlyLifted === 0
}

function plainCounts(counts: KeyCounts): Readonly<Record<string, number>> {
  return Object.fromEntries(
    topKeys(counts, maxReported).keys.map(([key, [count = 0]]) => [key, count]),
  )
}

function reportedSample({
  change,
  organization,
  reason,
  record,
  route,
}: ReplaySample): ReportedSample {
  return {
    change,
    decision_id: record.decision_id,
    timestamp: record.timestamp,
    route,
    method: record.method,
    host: record.host,
    path: record.path,
    user_id: record.user_id,
    organization_id: organization,
    recorded: decisionAndReason(record.reason),
    replayed: decisionAndReason(reason),
  }
}

function decisionAndReason(reason: string): DecisionAndReason {
  return { decision: reason === 'granted' ? 'allow' : 'deny', reason }
}
