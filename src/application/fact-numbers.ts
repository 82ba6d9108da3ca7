/** How many numbers a fact has room for: 64 bytes, as a line of the processor's cache. */
const perFact = 8
/** Facts whose numbers memory is asked for at once. */
const perChunk = 4_096

/** Which number is which; those that every check reads come first. */
export const at = {
  sinceMonotonicMs: 0,
  sinceWallMs: 1,
  lifeMs: 2,
  order: 3,
  /** 1: read by this process; 0: adopted. */
  own: 4,
  verifiedAtMs: 5,
  /** NaN: the shared cache is believed to hold nothing. */
  cachedAtMs: 6,
} as const

/** The numbers of no fact, never written to: it was read before all time, and lives for none. */
export const noNumbers = new Float64Array(perFact).fill(-Infinity)
noNumbers[at.own] = 0
noNumbers[at.cachedAtMs] = Number.NaN

/**
 * The numbers of facts, in rows beside the heap. In an object each fraction, and each time since 1970, would be
 * one object more: three places more to look at for each check, and as many made anew whenever a fact is
 * read again.
 */
export class FactNumbers {
  readonly #chunks: Float64Array[] = []
  readonly #free: number[] = []
  #rows = 0

  /** A row that nobody has; what stands in it is anything. */
  take(): number {
    const row = this.#free.pop()
    if (row !== undefined) return row
    if (this.#rows % perChunk === 0) this.#chunks.push(new Float64Array(perChunk * perFact))
    return this.#rows++
  }

  /** Takes a row back; nobody may read or write it any more. */
  give(row: number): void {
    this.#free.push(row)
  }

  /** What a row stands in, and where it begins there. */
  of(row: number): Float64Array {
    return this.#chunks[Math.trunc(row / perChunk)] as Float64Array
  }

  startOf(row: number): number {
    return (row % perChunk) * perFact
  }
}
