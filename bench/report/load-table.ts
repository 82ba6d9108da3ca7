import { medianOf } from '../harness/samples.ts'
import type { KeptResult } from './kept-result.ts'
import { absences, figure, markdownTable, middle, provenance, spread } from './markdown.ts'

const head = [
  'server',
  'CPU-µs, 64 in flight',
  '8 in flight',
  'at 2,000/s',
  'checks/s, one core',
  'p50 at 2,000/s, µs',
  'p99, µs',
  'memory, MiB',
  'first answer, ms',
]

/** Below it the server had time to spare: the driver, not the server, was the limit. */
const busy = 0.9

/** The workload, all servers. */
export function loadTable(result: KeptResult): string {
  const { samples } = result
  const names = Object.keys(samples).toSorted(
    (a, b) => (medianOf(samples, a, 'cpu64') ?? 0) - (medianOf(samples, b, 'cpu64') ?? 0),
  )
  const rows = names.map((name) => {
    const rate = medianOf(samples, name, 'perSecond64')
    const isLimit = (medianOf(samples, name, 'busy64') ?? 1) >= busy
    return [
      name,
      spread(samples, name, 'cpu64'),
      spread(samples, name, 'cpu8'),
      spread(samples, name, 'cpuOpen'),
      `${figure(rate)}${isLimit ? '' : ' \\*'}`,
      middle(samples, name, 'p50Open'),
      middle(samples, name, 'p99Open'),
      middle(samples, name, 'rssMiB'),
      middle(samples, name, 'startMs'),
    ]
  })
  const limited = rows.some((cells) => cells[4]?.includes('*') === true)
  const note = limited ? '\n\n\\* the driver or the machine was the limit, not the server' : ''
  return `${markdownTable(head, rows)}${note}${absences(result)}\n\n${provenance(result)}`
}
