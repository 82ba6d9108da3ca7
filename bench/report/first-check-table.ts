import { medianOf } from '../harness/samples.ts'
import type { KeptResult } from './kept-result.ts'
import { absences, markdownTable, middle, percent, provenance, spread } from './markdown.ts'

const head = [
  'first check of a subject',
  'CPU-µs',
  'with its verification soon after',
  'checks/s',
  'facts from Redis',
]

/** Tokens that were never seen, facts from Redis. */
export function firstCheckTable(result: KeptResult): string {
  const { samples } = result
  const rows = Object.keys(samples).map((name) => [
    name,
    spread(samples, name, 'cpu'),
    spread(samples, name, 'cpuVerified'),
    middle(samples, name, 'perSecond'),
    percent(medianOf(samples, name, 'redisShare')),
  ])
  return `${markdownTable(head, rows)}${absences(result)}\n\n${provenance(result)}`
}
