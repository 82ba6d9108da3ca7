import { medianOf } from '../harness/samples.ts'
import { withoutAuthz } from '../scenarios/through-envoy.ts'
import type { KeptResult } from './kept-result.ts'
import { absences, markdownTable, middle, provenance } from './markdown.ts'

const head = [
  'behind Envoy',
  'added p50 at 500/s, µs',
  'added p99, µs',
  'added p50 at 2,000/s, µs',
  'added p99, µs',
  'CPU-µs at 2,000/s',
]
const measures = ['added-p50At500', 'added-p99At500', 'added-p50At2000', 'added-p99At2000']

/** What a check adds to a request. */
export function throughEnvoyTable(result: KeptResult): string {
  const { samples } = result
  const names = Object.keys(samples).filter((name) => name !== withoutAuthz)
  const order = (name: string): number => medianOf(samples, name, 'added-p50At2000') ?? 0
  const rows = names
    .toSorted((a, b) => order(a) - order(b))
    .map((name) => [
      name,
      ...measures.map((measure) => middle(samples, name, measure)),
      middle(samples, name, 'cpuAt2000'),
    ])
  const base = ['p50At500', 'p99At500', 'p50At2000', 'p99At2000'].map((measure) =>
    middle(samples, withoutAuthz, measure),
  )
  const table = markdownTable(head, [...rows, [`_${withoutAuthz}, not added_`, ...base, '–']])
  return `${table}${absences(result)}\n\n${provenance(result)}`
}
