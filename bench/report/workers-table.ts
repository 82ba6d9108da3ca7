import { medianOf } from '../harness/samples.ts'
import type { KeptResult } from './kept-result.ts'
import { absences, figure, markdownTable, middle, provenance, spread } from './markdown.ts'

const head = [
  'workers',
  'CPU-µs a check, all processes',
  'checks in a second of CPU',
  'checks/s, each held to 30 % of a core',
  'of one worker',
  'memory, MiB',
]

/** One worker against several. */
export function workersTable(result: KeptResult): string {
  const { samples } = result
  const names = Object.keys(samples)
  const rows = names.map((name) => {
    const one = names.find((other) => other === name.replace(/\d+ workers?$/, '1 worker')) ?? name
    const cpu = medianOf(samples, name, 'cpu')
    const held = medianOf(samples, name, 'heldPerSecond')
    const heldByOne = medianOf(samples, one, 'heldPerSecond')
    const ratio = held === undefined || heldByOne === undefined ? undefined : held / heldByOne
    return [
      name,
      spread(samples, name, 'cpu'),
      figure(cpu === undefined ? undefined : 1e6 / cpu),
      figure(held),
      ratio === undefined ? '–' : `${ratio.toFixed(2)} ×`,
      middle(samples, name, 'rssMiB'),
    ]
  })
  return `${markdownTable(head, rows)}${absences(result)}\n\n${provenance(result)}`
}
