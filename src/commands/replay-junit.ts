import { junitXml } from '../adapters/files/junit.ts'
import type { CaseResult } from '../application/policy-cases.ts'
import type { Enforcement, Flips, ReplayReport } from '../application/replay-report.ts'
import {
  isDoubtful,
  isFound,
  type FailOn,
  type VerdictOptions,
} from '../application/replay-verdict.ts'
import { doubts, listedCounts, otherEnforcement, routeText } from './replay-words.ts'

const nothing = { allow_to_deny: 0, deny_to_allow: 0 }
const noEnforcement = { newly_enforced: 0, newly_lifted: 0 }

type Options = VerdictOptions & {
  /** Names of the routes that are to be listed although nothing about them changed. */
  readonly routes: readonly string[]
  readonly failOn: FailOn
}

/**
 * A replay as JUnit XML: a case for every route, which fails by what its own decisions came to, and
 * two for what is of no route.
 */
export function replayJunit(report: ReplayReport, options: Options): string {
  const { enforcement, others } = report
  const routes = new Map(Object.entries(report.routes))
  const enforced = new Map(Object.entries(enforcement.routes))
  const names = new Set([...options.routes, ...routes.keys(), ...enforced.keys()])
  const ofRoute = routeCase(report, options)
  const rest = ofRoute('other routes', others.routes, otherEnforcement(enforcement))
  const cases = [
    ...[...names].map((name) => ofRoute(routeText(name), routes.get(name), enforced.get(name))),
    ...(rest.passed ? [] : [rest]),
  ]
  const faithful: CaseResult = {
    name: 'decisions come out the same under the policy that made them',
    passed: isPassed(withoutFlips(report, options.candidate), options),
    expected: 'the recorded decisions',
    actual: listedCounts({ different: report.different, ...report.undetermined_by }),
  }
  const whole: CaseResult = {
    name: 'the logs tell all',
    passed: report.incomplete.length === 0 && !(options.strict && isDoubtful(report)),
    expected: 'every decision made again',
    actual: doubts(report),
  }
  return junitXml([{ name: 'tenantgate replay', cases: [faithful, whole, ...cases] }])
}

/** Makes the case of a route, judged by its own changes alone. */
function routeCase(report: ReplayReport, options: Options) {
  return (
    name: string,
    flips: Flips = nothing,
    lifted: Enforcement = noEnforcement,
  ): CaseResult => {
    const changes = listedCounts({
      'allow to deny': flips.allow_to_deny,
      'deny to allow': flips.deny_to_allow,
      'newly enforced': lifted.newly_enforced,
      'newly lifted': lifted.newly_lifted,
    })
    const enforcement = { ...lifted, routes: {} }
    const alone = { ...report, flips, enforcement, undetermined_by: {}, different: 0 }
    return {
      name,
      passed: isPassed(alone, options),
      expected: 'the recorded decisions',
      actual: changes === '' ? 'the recorded decisions' : changes,
    }
  }
}

/** What cannot be told is a case of its own. */
function isPassed(report: ReplayReport, { candidate, failOn }: Options): boolean {
  return !isFound(report, failOn, { candidate, strict: false })
}

function withoutFlips(report: ReplayReport, candidate: boolean): ReplayReport {
  return {
    ...report,
    different: candidate ? 0 : report.different,
    flips: nothing,
    enforcement: { ...noEnforcement, routes: {} },
  }
}
