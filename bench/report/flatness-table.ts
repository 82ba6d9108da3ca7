import { medianOf } from '../harness/samples.ts'
import type { KeptResult } from './kept-result.ts'
import { absences, figure, markdownTable, middle, provenance } from './markdown.ts'

/** `1,000 subjects` and `1 subject` are of one dimension; so are the two cookies. */
const dimensionOf = (label: string): string => (label.split(' ').at(-1) ?? '').replace(/s$/, '')
const kindOf = (label: string): string => (label.includes('cookie') ? 'cookie' : dimensionOf(label))

/** The cost of a check by the size of things, and what it is of the smallest. */
export function flatnessTable(result: KeptResult): string {
  const { samples } = result
  const names = Object.keys(samples)
  const parts = names.map((name) => {
    const [server = '', label = ''] = name.split(': ')
    return { name, server, label, cpu: medianOf(samples, name, 'cpu') ?? NaN }
  })
  const rows = parts.map(({ cpu, label, name, server }) => {
    const first = parts.find(
      (other) => other.server === server && kindOf(other.label) === kindOf(label),
    )
    const ratio = cpu / (first?.cpu ?? NaN)
    return [server, label, figure(cpu), `${ratio.toFixed(2)} ×`, middle(samples, name, 'rssMiB')]
  })
  const head = ['server', 'with', 'CPU-µs a check', 'of the smallest', 'memory, MiB']
  return `${markdownTable(head, rows)}${absences(result)}\n\n${provenance(result)}`
}
