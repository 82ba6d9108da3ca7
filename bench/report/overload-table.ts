import { medianOf } from '../harness/samples.ts'
import type { KeptResult } from './kept-result.ts'
import { absences, markdownTable, middle, percent, provenance } from './markdown.ts'

const knownHead = [
  'known subjects at 3 × capacity',
  'capacity/s',
  'asked/s',
  'answered/s',
  'answered',
  '503',
  'lost',
  'p50, ms',
  'p99, ms',
  'recovered after, ms',
]
const burstHead = [
  'known subjects at 2,000/s beside a burst',
  'new tokens/s that can be verified',
  'answered',
  '503',
  'lost',
  'p50, ms',
  'p99, ms',
  'of the burst answered',
  'of the burst 503',
  'recovered after, ms',
]

/** What becomes of checks when there are more than there is time for. */
export function overloadTable(result: KeptResult): string {
  const { samples } = result
  const rowsOf = (kind: string, cells: (name: string) => readonly string[]) =>
    Object.keys(samples)
      .filter((name) => name.endsWith(`: ${kind}`))
      .map((name) => [name.replace(`: ${kind}`, ''), ...cells(name)])
  const share = (name: string, measure: string) => percent(medianOf(samples, name, measure))
  const shares = (name: string) =>
    ['answered', 'refused', 'lost'].map((measure) => share(name, measure))
  const times = (name: string) =>
    ['p50', 'p99'].map((measure) => middle(samples, name, measure, 1e-3))
  const known = rowsOf('known', (name) => [
    ...['capacity', 'asked', 'answeredPerSecond'].map((one) => middle(samples, name, one)),
    ...[...shares(name), ...times(name), middle(samples, name, 'recoveryMs')],
  ])
  const burst = rowsOf('burst', (name) => [
    ...[middle(samples, name, 'capacity'), ...shares(name), ...times(name)],
    ...[share(name, 'floodAnswered'), share(name, 'floodRefused')],
    middle(samples, name, 'recoveryMs'),
  ])
  const tables = [
    ...(known.length === 0 ? [] : [markdownTable(knownHead, known)]),
    ...(burst.length === 0 ? [] : [markdownTable(burstHead, burst)]),
  ]
  return `${tables.join('\n\n')}${absences(result)}\n\n${provenance(result)}`
}
