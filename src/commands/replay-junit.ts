import { junitXml } from '../adapters/files/junit.ts'
import type { CaseResult } from '../application/policy-cases.ts'
import type { ReplayReport } from '../application/replay-report.ts'
import { isFound, type FailOn } from '../application/replay-verdict.ts'
import { listedCounts, routeText } from './replay-text.ts'

const nothing = { allow_to_deny: 0, deny_to_allow: 0 }
const noEnforcement = { newly_enforced: 0, newly_lifted: 0 }

/**
 * A replay as JUnit XML: a case for every route, which fails by what its own decisions came to, and
 * one for what is of no route.
 */
export function replayJunit(
  report: ReplayReport,
  options: {
    /** Names of the routes that are to be listed although nothing about them changed. */
    readonly routes: readonly string[]
    readonly failOn: FailOn
    readonly candidate: boolean
  },
): string {
  const { enforcement } = report
  const names = [
    ...new Set([
      ...options.routes,
      ...Object.keys(report.routes),
      ...Object.keys(enforcement.routes),
    ]),
  ]
  const cases = names.map((name): CaseResult => {
    const flips = report.routes[name] ?? nothing
    const lifted = enforcement.routes[name] ?? noEnforcement
    const alone = { ...report, flips, enforcement: { ...lifted, routes: {} }, undetermined_by: {} }
    const changes = listedCounts({
      'allow to deny': flips.allow_to_deny,
      'deny to allow': flips.deny_to_allow,
      'newly enforced': lifted.newly_enforced,
      'newly lifted': lifted.newly_lifted,
    })
    return {
      name: routeText(name),
      passed: !isFound({ ...alone, different: 0 }, options.failOn, options),
      expected: 'the recorded decisions',
      actual: changes === '' ? 'the recorded decisions' : changes,
    }
  })
  const faithful: CaseResult = {
    name: 'decisions come out the same under the policy that made them',
    passed: !isFound(withoutFlips(report, options.candidate), options.failOn, options),
    expected: 'the recorded decisions',
    actual: listedCounts({ different: report.different, ...report.undetermined_by }),
  }
  return junitXml([{ name: 'tenantgate replay', cases: [faithful, ...cases] }])
}

function withoutFlips(report: ReplayReport, candidate: boolean): ReplayReport {
  return {
    ...report,
    different: candidate ? 0 : report.different,
    flips: nothing,
    enforcement: { ...noEnforcement, routes: {} },
  }
}
