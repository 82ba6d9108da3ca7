import type { Fact, Pair } from '../domain/fact.ts'

/**
 * Where facts are read whole and now: PostgreSQL. A call rejects where no answer came in time
 * (`FACTS_UNAVAILABLE`, `DATABASE_UNAVAILABLE`) or the signal aborted; absence of a user or a
 * member is a fact.
 */
export interface FactSource {
  /** The fact of a pair, by a statement that begins after the call. */
  readonly read: (pair: Pair, signal: AbortSignal) => Promise<Fact>
  /** The facts of many pairs, in their order, by one statement that begins after the call. */
  readonly readMany: (pairs: readonly Pair[], signal: AbortSignal) => Promise<readonly Fact[]>
}
