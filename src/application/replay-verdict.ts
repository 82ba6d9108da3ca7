import type { ReplayReport } from './replay-report.ts'

/** What a replay fails on (`--fail-on`). */
export const failOns = ['none', 'any', 'newly-allowed', 'newly-denied'] as const
export type FailOn = (typeof failOns)[number]

/** How a replay is judged. */
export interface VerdictOptions {
  readonly candidate: boolean
  /** What cannot be told counts like what was to be found (`--strict`). */
  readonly strict: boolean
}

/** Whether there are decisions of which nobody can tell how they come out. */
export function isDoubtful({ incomplete, skipped_by, undetermined }: ReplayReport): boolean {
  return (
    undetermined > 0 || incomplete.length > 0 || Object.keys(skipped_by.without_policy).length > 0
  )
}

/**
 * Whether a replay found what it was to fail on. Without a candidate every difference counts as
 * `any`, also that of a reason alone: the log and this release do not agree.
 */
export function isFound(
  report: ReplayReport,
  failOn: FailOn,
  { candidate, strict }: VerdictOptions,
): boolean {
  if (strict && isDoubtful(report)) return true
  const { different, enforcement, flips, undetermined_by } = report
  const allowed = flips.deny_to_allow + enforcement.newly_lifted > 0
  const denied = flips.allow_to_deny + enforcement.newly_enforced > 0
  switch (failOn) {
    case 'none':
      return false
    case 'newly-allowed':
      return allowed
    case 'newly-denied':
      return denied
    case 'any': {
      const unfaithful = undetermined_by['it does not come out the same under its own policy'] ?? 0
      return allowed || denied || unfaithful > 0 || (!candidate && different > 0)
    }
  }
}
