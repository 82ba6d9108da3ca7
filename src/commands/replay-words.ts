import type {
  Enforcement,
  Flips,
  ReplayReport,
  ReportedSample,
} from '../application/replay-report.ts'

/** Keys of each group that are shown. */
const shownKeys = 10
/** Longest name, and longest path, that is shown: whoever makes requests must not fill a report. */
const nameLength = 64
const pathLength = 120
const methodLength = 20

/** Changes by one kind of name, the most affected first. */
export interface Group {
  readonly title: string
  readonly columns: readonly [string, string]
  readonly rows: readonly (readonly [name: string, number, number])[]
}

/** The groups of a report that hold something. */
export function groups(report: ReplayReport): readonly Group[] {
  const { enforcement, others } = report
  const flips = (title: string, keys: Readonly<Record<string, Flips>>, rest: Flips): Group => ({
    title,
    columns: ['allow → deny', 'deny → allow'],
    rows: shownRows(keys, rest, ({ allow_to_deny, deny_to_allow }) => [
      allow_to_deny,
      deny_to_allow,
    ]),
  })
  const all: readonly Group[] = [
    flips('by route', report.routes, others.routes),
    {
      title: 'by route',
      columns: ['newly enforced', 'newly lifted'],
      rows: shownRows(
        enforcement.routes,
        otherEnforcement(enforcement),
        ({ newly_enforced, newly_lifted }) => [newly_enforced, newly_lifted],
      ),
    },
    flips('by role', report.roles, others.roles),
    flips('by platform role', report.platform_roles, others.platform_roles),
    flips('by organization', report.organizations, others.organizations),
    flips('by subject', report.subjects, others.subjects),
  ]
  return all.filter(({ rows }) => rows.length > 0)
}

/** The first keys of a group, and the rest of it as one. */
function shownRows<T>(
  keys: Readonly<Record<string, T>>,
  others: T,
  numbersOf: (counts: T) => readonly [number, number],
): Group['rows'] {
  const all = Object.entries(keys).map(
    ([name, counts]) => [routeText(name), ...numbersOf(counts)] as const,
  )
  let [a, b] = numbersOf(others)
  for (const [, more, further] of all.slice(shownKeys)) {
    a += more
    b += further
  }
  const shown = all.slice(0, shownKeys)
  return a + b > 0 ? [...shown, ['others', a, b]] : shown
}

/** What is enforced or lifted on routes beyond those that are named. */
export function otherEnforcement(all: ReplayReport['enforcement']): Enforcement {
  let { newly_enforced, newly_lifted } = all
  for (const one of Object.values(all.routes)) {
    newly_enforced -= one.newly_enforced
    newly_lifted -= one.newly_lifted
  }
  return { newly_enforced, newly_lifted }
}

/** What was skipped, in words. */
export function skippedCounts(report: ReplayReport): Readonly<Record<string, number>> {
  const { broken, other } = report.skipped_by
  return {
    'other lines': other,
    'broken lines': broken,
    'decisions without their policy': withoutPolicy(report),
  }
}

/** What nobody can tell of: it may hold what was to be found. Empty where all was told. */
export function doubts(report: ReplayReport): string {
  return listedCounts({
    undetermined: report.undetermined,
    'decisions without their policy': withoutPolicy(report),
    'logs not read to their end': report.incomplete.length,
  })
}

function withoutPolicy({ skipped_by }: ReplayReport): number {
  return Object.values(skipped_by.without_policy).reduce((sum, count) => sum + count, 0)
}

/** Counts above zero, as `the fact was never read 3, …`. */
export function listedCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${number(count)}`)
    .join(', ')
}

/** The name of a route in a report; none matched where it is empty. */
export function routeText(route: string | null): string {
  return route === null || route === '' ? '(no route)' : route
}

/** A name as it is shown. */
export function nameText(name: string): string {
  return shortened(name, nameLength)
}

/** Who asked for what. */
export function requestText(sample: ReportedSample): string {
  const { method, organization_id, path, user_id } = sample
  const where = organization_id === null ? '' : ` in ${nameText(organization_id)}`
  const what = `${shortened(method, methodLength)} ${shortened(path ?? '', pathLength)}`
  return `${what} by ${nameText(user_id ?? 'nobody known')}${where}`
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`
}

export function number(count: number): string {
  return count.toLocaleString('en-US')
}
