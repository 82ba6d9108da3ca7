import type { DecisionRecord } from '../domain/record.ts'
import type { PolicyDefinition } from '../domain/policy.ts'

/** Keeps the lines from which decisions can be made again. Writing never waits and never throws. */
export interface DecisionLog {
  /** Returns false where the line could not be taken: the queue is full or the sink is broken. */
  readonly decision: (record: DecisionRecord) => boolean
  /** A policy was loaded, so that a log replays by itself. */
  readonly policy: (version: string, definition: PolicyDefinition) => void
  readonly close: () => Promise<void>
}
