import type { Contestant, ContestantDeps } from './contestants.ts'
import type { Samples } from './samples.ts'

/** What a scenario works with. */
export interface Bench extends ContestantDeps {
  readonly rounds: number
  /** Of one measurement. */
  readonly seconds: number
  /** Whether a contestant of that name takes part. */
  readonly takesPart: (name: string) => boolean
  /** Sizes that take minutes to prepare, by name; see `--help`. */
  readonly sizes: BenchSizes
  /** Path of Envoy's executable. */
  readonly envoy: string
  readonly tell: (line: string) => void
}

export interface BenchSizes {
  /** Subjects that are new, for each round of either kind of token. */
  readonly fresh: number
  /** Tokens of a burst that was never seen. */
  readonly burst: number
  /** Routes of the policies. */
  readonly routes: readonly number[]
  /** Known subjects. */
  readonly subjects: readonly number[]
  readonly connections: readonly number[]
}

/** What came of a scenario: medians are for those who read it. */
export interface ScenarioResult {
  readonly samples: Samples
  /** Contestants that did not take part, and why. */
  readonly leftOut: Readonly<Record<string, string>>
}

/** Those that are asked for and can run; the others are told, with the reason. */
export function selected(
  { takesPart }: Bench,
  all: readonly Contestant[],
  leaveOut: (name: string, why: string) => void,
): readonly Contestant[] {
  return all.filter(({ leftOut, name }) => {
    if (!takesPart(name)) return false
    if (leftOut !== undefined) leaveOut(name, leftOut)
    return leftOut === undefined
  })
}
