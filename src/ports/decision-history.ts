import type { PolicyDefinition } from '../domain/policy.ts'
import type { DecisionRecord } from '../domain/record.ts'

/**
 * A place in a log, which survives its rotation: what stands before it is older. `print` is taken
 * of what is written there, so that no other file is ever taken for the one it is of.
 */
export interface LogPlace {
  readonly offset: number
  readonly print: string
}

/** What to look for in a log, newest first. */
export interface HistoryQuery {
  /** Where to go on; null: from the end. */
  readonly before: LogPlace | null
  readonly limit: number
  readonly matches: (record: DecisionRecord) => boolean
  /** No decision before this moment is asked for: RFC 3339 in UTC with milliseconds. */
  readonly since?: string
  /** The same: none from this moment on. */
  readonly until?: string
}

/** What was found; `next` is where to go on, null: there is nothing older. */
export interface HistoryPage {
  readonly records: readonly DecisionRecord[]
  readonly next: LogPlace | null
}

/** A decision of a log, and the policy that made it where the log holds it nearby. */
export interface FoundDecision {
  readonly record: DecisionRecord
  readonly definition: PolicyDefinition | undefined
}

/**
 * Reads back what a decision log holds. Each call reads a bounded number of bytes. Rejects with
 * `INPUT_INVALID` where a place is not (or no longer) in the log, with `SERVER_UNAVAILABLE` where
 * the log cannot be read.
 */
export interface DecisionHistory {
  readonly page: (query: HistoryQuery, signal: AbortSignal) => Promise<HistoryPage>
  /** By its id, from about the moment that the id names. Undefined: it is not there. */
  readonly find: (decisionId: string, signal: AbortSignal) => Promise<FoundDecision | undefined>
}
