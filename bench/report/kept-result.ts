import type { Machine } from '../harness/machine.ts'
import type { ScenarioResult } from '../harness/bench.ts'

/** A scenario's result with what it was taken on, as `docs/performance.json` keeps it. */
export interface KeptResult extends ScenarioResult {
  readonly machine: Machine
  readonly rounds: number
  /** Of one measurement. */
  readonly seconds: number
  /** ISO 8601. */
  readonly at: string
}
