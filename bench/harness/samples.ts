/** Values of one measure, one a round, by contestant and measure. */
export type Samples = Record<string, Record<string, number[]>>

/** Adds a round's values. */
export function addSample(
  samples: Samples,
  contestant: string,
  values: Readonly<Record<string, number>>,
): void {
  const own = (samples[contestant] ??= {})
  for (const [measure, value] of Object.entries(values)) (own[measure] ??= []).push(value)
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}

/** The median of a measure; undefined where it was not taken. */
export function medianOf(
  samples: Samples,
  contestant: string,
  measure: string,
): number | undefined {
  const values = samples[contestant]?.[measure]
  return values === undefined || values.length === 0 ? undefined : median(values)
}

/** Runs a measurement of each, round by round: A B C, A B C, so that a slow minute meets all alike. */
export async function interleave<T>(
  rounds: number,
  all: readonly T[],
  measure: (one: T, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    for (const one of all) await measure(one, round)
  }
}
