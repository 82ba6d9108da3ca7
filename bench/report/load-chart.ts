import { medianOf } from '../harness/samples.ts'
import { barChart, type Panel } from './bar-chart.ts'
import type { KeptResult } from './kept-result.ts'

const headings: Readonly<Record<string, string>> = {
  cpu64: 'CPU-µs a check, 64 in flight',
  cpu8: 'CPU-µs a check, 8 in flight',
  cpuOpen: 'CPU-µs a check, 2,000 a second',
}

/** The cost of a check on all servers, as SVG. */
export function loadChart({ samples }: KeptResult): string {
  const panels = Object.entries(headings).map(([measure, heading]): Panel => {
    const bars = Object.keys(samples).flatMap((label) => {
      const value = medianOf(samples, label, measure)
      return value === undefined ? [] : [{ label, value, ours: label.startsWith('tenantgate') }]
    })
    return { heading, bars: bars.toSorted((a, b) => a.value - b.value) }
  })
  return barChart('What a check costs', panels)
}
