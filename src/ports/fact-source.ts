import type { Fact, Pair } from '../domain/fact.ts'
import type { Freshness } from '../domain/policy.ts'

/** What is known of subjects in organizations. */
export interface FactSource {
  /**
   * The fact of a pair, at least as fresh as asked. Rejects where no source answered in time
   * (`FACTS_UNAVAILABLE`) or the signal aborted; absence of a user or a member is a fact.
   */
  readonly read: (pair: Pair, freshness: Freshness, signal: AbortSignal) => Promise<Fact>
}
