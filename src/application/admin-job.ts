import type { PolicyDefinition } from '../domain/policy.ts'
import type { Coverage } from './coverage.ts'
import type { Explanation } from './explain.ts'
import type { LocatedFault } from './load-policy.ts'
import type { ReplayFilter } from './replay-filter.ts'
import type { ReplayReport } from './replay-report.ts'
import type { SimulatedRequest, SimulatedSubject } from './subject.ts'

/**
 * Work of the admin API that would stand in the way of checks: it is done on a thread of its own.
 * Plain data, so that it can be sent there.
 */
export type AdminJob =
  | ExplainJob
  | { readonly kind: 'coverage'; readonly version: string; readonly definition: PolicyDefinition }
  | ReplayJob

/** An explanation under a policy's text. */
export interface ExplainJob {
  readonly kind: 'explain'
  readonly policy: string
  readonly stated: { readonly request: SimulatedRequest; readonly subject: SimulatedSubject }
  readonly nowMs: number
}

/** The replay of a decision log in a file, or of lines that are sent. */
export interface ReplayJob {
  readonly kind: 'replay'
  /** Text of the candidate; null: each decision's own policy. */
  readonly policy: string | null
  /** Policies that are known beside those of the log, by version. */
  readonly definitions: ReadonlyMap<string, PolicyDefinition>
  readonly filter: ReplayFilter
  /** The log's file, which its rotated files are beside; null: lines are sent. */
  readonly file: string | null
}

/** What the thread is sent while it replays: some lines, newest first; null: there are no more. */
export type AdminJobInput = string | null

/** What the thread tells. The first message says whether the policy loads, the last is the result. */
export type AdminJobMessage =
  | { readonly type: 'faults'; readonly faults: readonly LocatedFault[] }
  | { readonly type: 'explanation'; readonly explanation: Explanation }
  | { readonly type: 'coverage'; readonly coverage: Coverage }
  | ReplayMessage

/** What a replay tells: a progress first, more of them, and the report last. */
export type ReplayMessage =
  ReplayProgress | { readonly type: 'report'; readonly report: ReplayReport }

/** How far a replay has come. `of` is null where the whole is not known. */
export interface ReplayProgress {
  readonly type: 'progress'
  /** Bytes of lines that were read. */
  readonly bytes: number
  readonly of: number | null
}
