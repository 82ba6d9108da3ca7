import type { Bench, ScenarioResult } from '../harness/bench.ts'
import type { KeptResult } from '../report/kept-result.ts'
import { firstCheckTable } from '../report/first-check-table.ts'
import { flatnessTable } from '../report/flatness-table.ts'
import { loadTable } from '../report/load-table.ts'
import { overloadTable } from '../report/overload-table.ts'
import { throughEnvoyTable } from '../report/through-envoy-table.ts'
import { workersTable } from '../report/workers-table.ts'
import { firstCheck } from './first-check.ts'
import { flatness } from './flatness.ts'
import { load } from './load.ts'
import { overload } from './overload.ts'
import { throughEnvoy } from './through-envoy.ts'
import { workers } from './workers.ts'

/** One measurement: how it runs, and how what came of it is shown. */
export interface Scenario {
  readonly run: (bench: Bench) => Promise<ScenarioResult>
  /** Markdown. */
  readonly table: (result: KeptResult) => string
}

/** All, by the name that `--scenarios` and the marker in the document take. */
export const scenarios = {
  load: { run: load, table: loadTable },
  envoy: { run: throughEnvoy, table: throughEnvoyTable },
  first: { run: firstCheck, table: firstCheckTable },
  flat: { run: flatness, table: flatnessTable },
  overload: { run: overload, table: overloadTable },
  workers: { run: workers, table: workersTable },
} as const satisfies Readonly<Record<string, Scenario>>

export type ScenarioName = keyof typeof scenarios
