import type { ReplayReport } from './replay-report.ts'

/** What a replay fails on (`--fail-on`). */
export const failOns = ['none', 'any', 'newly-allowed', 'newly-denied'] as const
export type FailOn = (typeof failOns)[number]

/**
 * Whether a replay found what it was to fail on. Without a candidate every difference counts as
 * `any`, also that of a reason alone: the log and this release do not agree.
 */
export function isFound(
  report: ReplayReport,
  failOn: FailOn,
  { candidate }: { readonly candidate: boolean },
): boolean {
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
