import { readFileSync, writeFileSync } from 'node:fs'
import { scenarios, type ScenarioName } from '../scenarios/all.ts'
import { documentation, formatted, readKept, writeFormatted } from './documents.ts'
import type { KeptResult } from './kept-result.ts'
import { loadChart } from './load-chart.ts'
import { fillSections } from './marked-sections.ts'

const resultsFile = documentation('performance.json')
const documentFile = documentation('performance.md')
const chartFile = documentation('performance.svg')

/** What was measured, by scenario. */
export type Results = Partial<Record<ScenarioName, KeptResult>>

/** What was measured last. */
export const readResults = (): Results => (readKept(resultsFile) as Results | undefined) ?? {}

/** Keeps a scenario's result in place of its last one. */
export async function keepResult(name: ScenarioName, result: KeptResult): Promise<void> {
  await writeFormatted(resultsFile, JSON.stringify({ ...readResults(), [name]: result }))
}

/** Links to files that are there once something was measured. */
const chartText =
  '![What a check costs](performance.svg)\n\nThe values of each round are in [performance.json](performance.json).'

/** What stands where nothing was measured. */
const unmeasured = (name: string): string =>
  `Not measured yet: \`npm run bench -- --scenarios ${name}\`.`

/** The document with the tables of these results; what was not measured says so. */
export function renderPerformance(document: string, results: Results): Promise<string> {
  const texts: Record<string, string> = {}
  for (const [name, { table }] of Object.entries(scenarios)) {
    const result = results[name as ScenarioName]
    texts[name] = result === undefined ? unmeasured(name) : table(result)
  }
  texts['chart'] = results.load === undefined ? unmeasured('load') : chartText
  return formatted(documentFile, fillSections(document, texts))
}

/** Writes all that was measured into the document, and draws the chart. */
export async function writePerformance(): Promise<void> {
  const results = readResults()
  if (results.load !== undefined) writeFileSync(chartFile, loadChart(results.load))
  writeFileSync(documentFile, await renderPerformance(readFileSync(documentFile, 'utf8'), results))
}
