import type { ReplayReport, ReportedSample } from '../application/replay-report.ts'
import { harmless } from './output.ts'
import {
  groups,
  listedCounts,
  nameText,
  number,
  requestText,
  routeText,
  skippedCounts,
  type Group,
} from './replay-words.ts'

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
    ...groups(report).map(groupLines),
    sampleLines(report, paint),
  ]
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')
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

function groupLines({ columns, rows, title }: Group): readonly string[] {
  const cells = rows.map(
    ([name, a, b]) => [harmless(nameText(name)), number(a), number(b)] as const,
  )
  return table([title, ...columns], cells)
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

function outcomeText({
  decision_id,
  recorded,
  replayed,
  route,
  timestamp,
}: ReportedSample): string {
  return `${recorded.reason} → ${replayed.reason} · ${nameText(routeText(route))} · ${nameText(timestamp)} · ${nameText(decision_id)}`
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
  rows: readonly (readonly [string, string, string])[],
): readonly string[] {
  const cells = rows.map(([name, a, b]) => [`  ${name}`, a, b] as const)
  const all = [head, ...cells]
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const [first = 0, second = 0, third = 0] = widths
  return all.map(
    ([name, a, b]) => `${name.padEnd(first)}  ${a.padStart(second)}  ${b.padStart(third)}`,
  )
}
