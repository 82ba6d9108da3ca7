import type { ReplayReport, ReportedSample } from '../application/replay-report.ts'
import { harmless } from './output.ts'
import {
  doubts,
  groups,
  listedCounts,
  nameText,
  number,
  requestText,
  routeText,
  skippedCounts,
  type Group,
} from './replay-words.ts'

const shownSamples = 10

/** A replay as GitHub Flavored Markdown, for a comment on a pull request. */
export function replayMarkdown(report: ReplayReport, against: string, found: boolean): string {
  const { decisions, different, enforcement, flips, kept, same, skipped, undetermined } = report
  const sections = [
    [`### ${found ? '❌' : doubts(report) === '' ? '✅' : '⚠️'} tenantgate replay`],
    [`${number(decisions)} recorded decisions replayed ${escaped(against)}.`],
    table(
      ['', 'decisions', ''],
      [
        ['same', number(same), ''],
        ['**allow → deny**', number(flips.allow_to_deny), ''],
        ['**deny → allow**', number(flips.deny_to_allow), ''],
        ['newly enforced', number(enforcement.newly_enforced), 'refused in shadow mode before'],
        ['newly lifted', number(enforcement.newly_lifted), 'refused in shadow mode from now on'],
        ['different in all', number(different), ''],
        ['kept', number(kept), ''],
        ['undetermined', number(undetermined), escaped(listedCounts(report.undetermined_by))],
        ['skipped', number(skipped), escaped(listedCounts(skippedCounts(report)))],
      ],
    ),
    estimate(report),
    doubts(report) === '' ? [] : [`**Not told:** ${escaped(doubts(report))}.`],
    ...groups(report).map(group),
    samples(report.samples),
  ]
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`
}

/** What a log says is no markup: no link, no mention, no cell of its own. */
function escaped(text: string): string {
  return harmless(text).replaceAll(
    /[^\p{L}\p{N} .,/()→-]|(?<=www)\./giu,
    (character) => `&#${character.codePointAt(0) ?? 0};`,
  )
}

/** The same as code, where nobody is mentioned and no address becomes a link. */
function code(text: string): string {
  return `<code>${escaped(text)}</code>`
}

function estimate({ decisions, estimated }: ReplayReport): readonly string[] {
  if (estimated.decisions === decisions) return []
  const flips = number(estimated.flips.allow_to_deny)
  return [
    `Only a share of the allows was logged: about ${flips} allow → deny of ${number(estimated.decisions)} decisions.`,
  ]
}

function group({ columns, rows, title }: Group): readonly string[] {
  const cells = rows.map(([name, a, b]) => [code(nameText(name)), number(a), number(b)])
  return table([title, ...columns], cells)
}

function samples(all: readonly ReportedSample[]): readonly string[] {
  if (all.length === 0) return []
  const rows = all
    .slice(0, shownSamples)
    .map((sample) => [
      code(requestText(sample)),
      code(`${sample.recorded.reason} → ${sample.replayed.reason}`),
      code(nameText(routeText(sample.route))),
      code(nameText(sample.decision_id)),
    ])
  return [
    '<details><summary>Samples</summary>',
    '',
    ...table(['request', 'reason', 'route', 'decision'], rows),
    '',
    '</details>',
  ]
}

/** The first column to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const isCount = (title: string): boolean => /→|^newly |^decisions$/.test(title)
  return [
    line(head),
    line(head.map((title) => (isCount(title) ? '--:' : ':--'))),
    ...rows.map(line),
  ]
}
