import type { Flips, ReplayReport, ReportedSample } from '../application/replay-report.ts'

/** Puts codes for a colour around a text, or leaves it as it is. */
export interface Paint {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly faint: (text: string) => string
  readonly strong: (text: string) => string
}

const coloured =
  (code: string) =>
  (text: string): string =>
    `\u001b[${code}m${text}\u001b[0m`
const plain = (text: string): string => text

/** For terminals (ECMA-48). */
export const colours: Paint = {
  good: coloured('32'),
  bad: coloured('31'),
  faint: coloured('2'),
  strong: coloured('1'),
}
export const noColours: Paint = { good: plain, bad: plain, faint: plain, strong: plain }

/** Keys of each group that are shown. */
const shownKeys = 10
const shownSamples = 20

/** A replay for people; `against` says what was replayed. */
export function replayText(report: ReplayReport, against: string, paint: Paint): string {
  const { decisions, different, kept, same, skipped, undetermined } = report
  const sections = [
    [
      paint.strong(
        `${number(decisions)} ${decisions === 1 ? 'decision' : 'decisions'} replayed ${against}`,
      ),
    ],
    aligned([
      ['same', number(same)],
      ['different', number(different), differences(report)],
      ['kept', number(kept), kept > 0 ? 'bad_request, unavailable: more than a log holds' : ''],
      ['undetermined', number(undetermined), listedCounts(report.undetermined_by)],
      ['skipped', number(skipped), listedCounts(skippedCounts(report))],
      ...(report.filtered > 0 ? [['not asked for', number(report.filtered)]] : []),
    ]),
    flipLines(report, paint),
    ...groups(report).map(([title, flips, others]) => groupLines(title, flips, others)),
    sampleLines(report, paint),
  ]
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')
}

/** The groups of a report that hold something, with their titles. */
export function groups(
  report: ReplayReport,
): readonly (readonly [string, Readonly<Record<string, Flips>>, Flips])[] {
  const { others } = report
  const all = [
    ['by route', report.routes, others.routes],
    ['by role', report.roles, others.roles],
    ['by platform role', report.platform_roles, others.platform_roles],
    ['by organization', report.organizations, others.organizations],
    ['by subject', report.subjects, others.subjects],
  ] as const
  return all.filter(([, flips]) => Object.keys(flips).length > 0)
}

/** What was skipped, in words. */
export function skippedCounts({ skipped_by }: ReplayReport): Readonly<Record<string, number>> {
  const { broken, other, without_policy } = skipped_by
  const lacking = Object.values(without_policy).reduce((sum, count) => sum + count, 0)
  return { 'other lines': other, 'broken lines': broken, 'decisions without their policy': lacking }
}

/** Counts above zero, as `the fact was never read 3, …`. */
export function listedCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${number(count)}`)
    .join(', ')
}

/** The first keys of a group, and the rest of it as one. */
export function shownFlips(
  flips: Readonly<Record<string, Flips>>,
  others: Flips,
): readonly (readonly [string, Flips])[] {
  const all = Object.entries(flips)
  const rest = all.slice(shownKeys).map(([, one]) => one)
  const more = [...rest, others].reduce((a, b) => ({
    allow_to_deny: a.allow_to_deny + b.allow_to_deny,
    deny_to_allow: a.deny_to_allow + b.deny_to_allow,
  }))
  const shown = all.slice(0, shownKeys)
  return more.allow_to_deny + more.deny_to_allow > 0 ? [...shown, ['others', more]] : shown
}

/** The name of a route in a report; none matched where it is empty. */
export function routeText(route: string | null): string {
  return route === null || route === '' ? '(no route)' : route
}

/**
 * What a log says, for a terminal: nothing in it moves the cursor, turns the direction of writing
 * or looks like a line of its own.
 */
export function harmless(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u{${code.toString(16)}}`
  })
}

export function number(count: number): string {
  return count.toLocaleString('en-US')
}

function differences({ enforcement, flips, other_reason }: ReplayReport): string {
  return listedCounts({
    'allow → deny': flips.allow_to_deny,
    'deny → allow': flips.deny_to_allow,
    'newly enforced': enforcement.newly_enforced,
    'newly lifted': enforcement.newly_lifted,
    'another reason': other_reason,
  })
}

function flipLines({ decisions, estimated, flips }: ReplayReport, paint: Paint): readonly string[] {
  const { allow_to_deny, deny_to_allow } = flips
  const lines = [
    `${paint.bad('allow → deny')}  ${number(allow_to_deny)}`,
    `${paint.good('deny → allow')}  ${number(deny_to_allow)}`,
  ]
  if (estimated.decisions === decisions) return lines
  const scaled = `about ${number(estimated.flips.allow_to_deny)} allow → deny of ${number(estimated.decisions)} decisions`
  return [...lines, paint.faint(`with the allows that were not logged: ${scaled}`)]
}

function groupLines(
  title: string,
  flips: Readonly<Record<string, Flips>>,
  others: Flips,
): readonly string[] {
  const rows = shownFlips(flips, others).map(([name, { allow_to_deny, deny_to_allow }]) => [
    harmless(routeText(name)),
    number(allow_to_deny),
    number(deny_to_allow),
  ])
  return table([title, 'allow → deny', 'deny → allow'], rows)
}

function sampleLines({ samples }: ReplayReport, paint: Paint): readonly string[] {
  if (samples.length === 0) return []
  const lines = samples
    .slice(0, shownSamples)
    .flatMap((sample) => [
      `  ${harmless(requestText(sample))}`,
      paint.faint(`    ${harmless(outcomeText(sample))}`),
    ])
  return ['samples', ...lines]
}

/** Who asked for what. */
export function requestText(sample: ReportedSample): string {
  const { method, organization_id, path, user_id } = sample
  const where = organization_id === null ? '' : ` in ${organization_id}`
  return `${method} ${path ?? ''} by ${user_id ?? 'nobody known'}${where}`
}

function outcomeText({
  decision_id,
  recorded,
  replayed,
  route,
  timestamp,
}: ReportedSample): string {
  return `${recorded.reason} → ${replayed.reason} · ${routeText(route)} · ${timestamp} · ${decision_id}`
}

/** Lines whose columns are as wide as their widest cell. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  const [first, second] = [width(0), width(1)]
  return rows.map(([name = '', count = '', detail = '']) =>
    `  ${name.padEnd(first)}  ${count.padStart(second)}  ${detail}`.trimEnd(),
  )
}

/** A heading and rows: the first column to the left, numbers to the right. */
function table(
  head: readonly [string, string, string],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const cells = rows.map(([name = '', a = '', b = '']) => [`  ${name}`, a, b] as const)
  const all = [head, ...cells]
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const [first = 0, second = 0, third = 0] = widths
  return all.map(
    ([name, a, b]) => `${name.padEnd(first)}  ${a.padStart(second)}  ${b.padStart(third)}`,
  )
}
