import type { Decision } from '../domain/evaluation.ts'
import type { AccessRequest } from '../domain/request.ts'

/** A check in a distributed trace, from the moment that it began. */
export interface CheckSpan {
  readonly traceId: string
  readonly spanId: string
  /** The check was decided, and logged under this id. */
  readonly end: (decision: Decision, decisionId: string) => void
}

/** Follows checks for a tracing system. No call waits or throws. */
export interface CheckTracer {
  /** A check begins; undefined where it is not sampled. */
  readonly begin: (request: AccessRequest) => CheckSpan | undefined
}
