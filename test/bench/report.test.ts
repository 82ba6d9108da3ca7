import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { barChart } from '../../bench/report/bar-chart.ts'
import type { KeptResult } from '../../bench/report/kept-result.ts'
import { loadTable } from '../../bench/report/load-table.ts'
import { figure, percent, spread } from '../../bench/report/markdown.ts'
import { fillSections } from '../../bench/report/marked-sections.ts'
import { readResults, renderPerformance } from '../../bench/report/performance-document.ts'
import { extrapolate } from '../../bench/report/scaling-arithmetic.ts'
import { readFleet, renderScaling } from '../../bench/report/scaling-document.ts'
import { scenarios, type ScenarioName } from '../../bench/scenarios/all.ts'

const machine = {
  ...{ cpu: 'A CPU', cores: 2, memoryGiB: 4, kernel: 'Linux 6', node: '26.0.0' },
  ...{ envoy: undefined, pinned: true },
}
const kept = (samples: KeptResult['samples'], leftOut: KeptResult['leftOut'] = {}): KeptResult => ({
  ...{ samples, leftOut, machine, rounds: 3, seconds: 4, at: '2026-11-21T00:00:00.000Z' },
})

describe('figures', () => {
  it.each([
    [4.96, '5.0'],
    [9.94, '9.9'],
    [9.96, '10'],
    [123_456.7, '123,457'],
    [NaN, '–'],
    [undefined, '–'],
  ])('%d as %s', (value, text) => {
    expect(figure(value)).toBe(text)
  })

  it('shows the median between the least and the greatest', () => {
    expect(spread({ a: { cpu: [5, 4, 7] } }, 'a', 'cpu')).toBe('5.0 (4.0–7.0)')
  })

  it('does not round what is nearly all up to all', () => {
    expect(percent(0.9996)).toBe('99.96 %')
    expect(percent(1)).toBe('100.0 %')
  })
})

describe('the table of the workload', () => {
  const row = (cpu: number, busy: number) => ({
    ...{ cpu64: [cpu], cpu8: [cpu], cpuOpen: [cpu], perSecond64: [1e6 / cpu], busy64: [busy] },
  })

  it('has the cheapest first, and says where the server was not the limit', () => {
    const table = loadTable(kept({ dear: row(50, 0.99), cheap: row(5, 0.5) }))
    const [, , first = '', second = ''] = table.split('\n')
    expect(first).toMatch(/^\| cheap \| 5\.0 .* 200,000 \\\* /)
    expect(second).toMatch(/^\| dear \| 50 .* 20,000 \| /)
    expect(table).toContain('not the server')
  })

  it('names who was left out, why, and the machine', () => {
    const table = loadTable(kept({ one: row(5, 1) }, { other: 'Wbad: allowed' }))
    expect(table).toContain('- left out: other: Wbad: allowed')
    expect(table).toContain('A CPU, 2 cores, 4 GiB; Linux 6; Node 26.0.0')
    expect(table).not.toContain('not the server')
  })
})

it('draws bars whose lengths are as their values', () => {
  const bars = [
    { label: 'a & b', value: 10, ours: true },
    { label: 'c', value: 40, ours: false },
  ]
  const svg = barChart('title', [{ heading: 'µs', bars }])
  const widths = [...svg.matchAll(/width="(\d+)" height="16"/g)].map(([, width]) => Number(width))
  expect(widths).toHaveLength(2)
  expect((widths[1] ?? 0) / (widths[0] ?? 0)).toBeCloseTo(4, 1)
  expect(svg).toContain('a &amp; b')
})

describe('sections', () => {
  const document = 'a\n<!-- measured: x -->\nold\n<!-- end -->\nb <!-- measured: y --><!-- end -->'

  it('replaces what is between the markers, and nothing else', () => {
    expect(fillSections(document, { x: 'new' })).toBe(
      'a\n<!-- measured: x -->\n\nnew\n\n<!-- end -->\nb <!-- measured: y --><!-- end -->',
    )
  })

  it('refuses a text that has no place', () => {
    expect(() => fillSections(document, { z: '1' })).toThrow('measured: z')
    expect(() => fillSections('<!-- measured: x -->', { x: '1' })).toThrow('measured: x')
  })
})

describe('the documents', () => {
  const performance = readFileSync('docs/performance.md', 'utf8')
  const scaling = readFileSync('docs/scaling.md', 'utf8')

  it('hold the kept figures and no others', async () => {
    expect(await renderPerformance(performance, readResults())).toBe(performance)
    expect(await renderScaling(scaling, readFleet(), readResults())).toBe(scaling)
  })

  it('say what was not measured', async () => {
    const text = await renderPerformance(performance, {})
    for (const name of Object.keys(scenarios)) {
      expect(text).toContain(`Not measured yet: \`npm run bench -- --scenarios ${name}\`.`)
    }
    expect(await renderScaling(scaling, undefined, {})).toContain('Not measured yet')
  })

  it.each(Object.keys(scenarios) as ScenarioName[])('show %s, whoever took part', (name) => {
    const contestants: Readonly<Record<ScenarioName, string>> = {
      ...{ load: 'a', envoy: 'a', first: 'a', flat: 'a: 100 routes', overload: 'a: known' },
      workers: 'a, 1 worker',
    }
    const names = contestants[name]
    const table = scenarios[name].table(kept({ [names]: { cpu: [3], cpu64: [3] } }))
    expect(table).toContain('| a')
    expect(table).toContain('3 interleaved rounds of 4 s')
  })
})

it('extrapolates by the arithmetic that it shows', () => {
  const lines = extrapolate({
    ...{ checkUs: 10, busyCheckUs: 8, firstHsUs: 60, firstEdUs: 150, redisUs: 5 },
    ...{ verifyPostgresUs: 4, eventInstanceUs: 20, eventNatsUs: 3 },
    ...{ pairBytes: 2_000, redisBytes: 300 },
  })
  const valueOf = (what: string) => lines.find((line) => line.what.startsWith(what))?.value
  expect(valueOf('one worker, one core, full')).toBe(125_000)
  expect(valueOf('one worker, half empty')).toBe(50_000)
  expect(valueOf('1,000,000 checks/s')).toBe(20)
  expect(valueOf('the same, if no subject were known: HS256')).toBe(120)
  expect(valueOf('10,000,000 subjects')).toBe(153)
  expect(valueOf('their memory')).toBe(20)
  expect(valueOf('Redis: all facts')).toBe(3)
  expect(valueOf('PostgreSQL')).toBe(4)
  expect(valueOf('an import')).toBe(2)
  expect(valueOf('the same: of NATS')).toBeCloseTo(0.459)
})
