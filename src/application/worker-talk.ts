import type { DecisionRecord } from '../domain/record.ts'
import type { DecisionFilter } from './decision-filter.ts'
import type { ReadinessReport } from './readiness.ts'

/** What a supervisor and its workers say to each other: plain data, so that it can be sent. */

/** What a worker is asked; each question has its answer in `Answers`. */
export type Question =
  | { readonly kind: 'state' }
  | { readonly kind: 'metrics' }
  /** Load this policy, and have it ready under its version. */
  | { readonly kind: 'prepare'; readonly version: string; readonly text: string }
  /** Decide by the policy that was prepared from now on. */
  | { readonly kind: 'commit'; readonly version: string }
  /** Say NOT_SERVING; checks are still answered. */
  | { readonly kind: 'drain' }
  | { readonly kind: 'decision'; readonly id: string }
  | {
      readonly kind: 'decisions'
      readonly before: number | null
      readonly limit: number
      readonly lookAt: number
      readonly maxBytes: number
      readonly filter: DecisionFilter
    }

/** What the answer to each kind of question is. */
export interface Answers {
  readonly state: WorkerState
  /** In Prometheus' text format. */
  readonly metrics: string
  /** Whether it is ready under that version. */
  readonly prepare: boolean
  /** Whether it is in force. */
  readonly commit: boolean
  readonly drain: boolean
  readonly decision: DecisionRecord | null
  readonly decisions: WorkerDecisions
}

/** How a worker is. */
export interface WorkerState {
  readonly report: ReadinessReport
  /** Version of the policy in force. */
  readonly policy: string
}

/** Some decisions of a worker, newest first, with their numbers there. */
export interface WorkerDecisions {
  readonly records: readonly DecisionRecord[]
  readonly numbers: readonly number[]
  /** Where to go on; null: there are no older ones. */
  readonly next: number | null
}

/** Asks one kind of question; undefined: no answer came in time, or there is nobody to answer. */
export type AskWorker = <K extends keyof Answers>(
  question: Extract<Question, { readonly kind: K }>,
  timeoutMs: number,
) => Promise<Answers[K] | undefined>

/** What a worker is told. */
export type Order<Start> =
  | { readonly type: 'start'; readonly start: Start }
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  /** Whether the decision log takes lines: what cannot be logged must not be taken for logged. */
  | { readonly type: 'log'; readonly broken: boolean }
  /** Finish what is under way, and end. */
  | { readonly type: 'stop' }

/** What a worker tells. */
export type News =
  /** It answers checks there. */
  | { readonly type: 'listening'; readonly address: string }
  /** It cannot start, and ends. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  /** Somebody has asked it to end: it wants to be replaced. */
  | { readonly type: 'leaving' }
  /** The last word of one that was stopped: its metrics. */
  | { readonly type: 'farewell'; readonly metrics: string }
  | ({ readonly type: 'answer'; readonly id: number } & Answer)

/** An answer with the kind of its question; undefined: it could not be answered. */
export type Answer = {
  [K in keyof Answers]: { readonly kind: K; readonly value: Answers[K] | undefined }
}[keyof Answers]

/** Runs a task later. */
export type Schedule = (task: () => void, afterMs: number) => { readonly cancel: () => void }
