import type { FollowedFile } from './adapters/files/policy-file.ts'
import type { OwnDecisions } from './compose-decisions.ts'
import type { HttpComposition } from './compose-http.ts'
import type { DecisionLogSink } from './ports/decision-log.ts'

/** What a service does otherwise that is one of several processes under a supervisor. */
export interface WorkerRole {
  /** Counted from 0; every record names it. */
  readonly index: number
  /** The log that takes its decisions, by the one that writes their lines. */
  readonly handOn: (sink: DecisionLogSink, onDropped: () => void) => DecisionLogSink
  /** Follows what the supervisor says of the policy's file. */
  readonly followPolicy: (options: { readonly onChange: (text: string) => void }) => FollowedFile
  /** Answers the supervisor, which has the HTTP server. */
  readonly composeFront: (parts: FrontComposition) => { readonly address: string }
}

/** What the HTTP server, or who stands in for it, is put together from. */
export type FrontComposition = Omit<HttpComposition, 'kept'> & { readonly kept: OwnDecisions }
