import type { DecisionRecord } from '../domain/record.ts'
import type { PolicyDefinition } from '../domain/policy.ts'

/** Keeps the lines from which decisions can be made again. Writing never waits and never throws. */
export interface DecisionLog {
  /** Whatever it is given is dropped: nobody needs to make it. */
  readonly keepsNothing?: boolean
  /** Returns false where the line could not be taken: the queue is full or the sink is broken. */
  readonly decision: (record: DecisionRecord) => boolean
  /** A policy was loaded, so that a log replays by itself. */
  readonly policy: (version: string, definition: PolicyDefinition) => void
  readonly close: () => Promise<void>
}

/** A log that ends somewhere: what its operator does with it and sees of it. */
export interface DecisionLogSink extends DecisionLog {
  /** Goes on in a new file, where the old one was moved away; the policy stands at its head. */
  readonly reopen: () => void
  readonly usage: () => DecisionLogUsage
}

/** What a log holds and has done since its start. */
export interface DecisionLogUsage {
  /** Lines that were taken and are not written yet, in bytes. */
  readonly queuedBytes: number
  readonly writtenLines: number
  /** Decisions whose line was not taken, or was taken and then lost. */
  readonly droppedLines: number
  /** Files that were begun after the first. */
  readonly rotations: number
}
