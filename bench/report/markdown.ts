import { median, medianOf, type Samples } from '../harness/samples.ts'
import type { KeptResult } from './kept-result.ts'

/** A table; a formatter aligns it. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

/** Three digits that mean something, thousands apart; a dash for what was not measured. */
export function figure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  const digits = Math.abs(value) < 9.95 ? 1 : 0
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}

/** The median with the least and the greatest of the rounds. */
export function spread(samples: Samples, contestant: string, measure: string): string {
  const values = samples[contestant]?.[measure]
  if (values === undefined || values.length === 0) return '–'
  if (values.length === 1) return figure(values[0])
  return `${figure(median(values))} (${figure(Math.min(...values))}–${figure(Math.max(...values))})`
}

/** The median as a figure, and a unit after it. */
export function middle(samples: Samples, contestant: string, measure: string, scale = 1): string {
  const value = medianOf(samples, contestant, measure)
  return figure(value === undefined ? undefined : value * scale)
}

/** As `98.5 %`. */
export const percent = (value: number | undefined): string =>
  value === undefined ? '–' : `${(value * 100).toFixed(value > 0.995 && value < 1 ? 2 : 1)} %`

/** On what and how a result was taken. */
export function provenance({ at, machine, rounds, seconds }: KeptResult): string {
  const { cores, cpu, envoy, kernel, memoryGiB, node, pinned } = machine
  const parts = [
    ...[`${cpu}, ${cores} cores, ${memoryGiB} GiB`, kernel, `Node ${node}`],
    ...(envoy === undefined ? [] : [`Envoy ${envoy}`]),
    ...(pinned ? [] : ['servers and driver on the same cores']),
  ]
  const each = `${rounds} interleaved ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s`
  return `_${at.slice(0, 10)}; ${parts.join('; ')}; ${each}, medians._`
}

/** Who is missing, and why. */
export function absences({ leftOut }: KeptResult): string {
  const all = Object.entries(leftOut)
  if (all.length === 0) return ''
  return `\n\n${all.map(([name, why]) => `- left out: ${name}: ${why}`).join('\n')}`
}
