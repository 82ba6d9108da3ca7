import type { handleUnaryCall, sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js'
import type { Deadline } from '../../application/deadline.ts'
import type { ObservedCheck, ObservedDecision } from '../../application/observe-check.ts'
import type { AccessRequest } from '../../domain/request.ts'
import { fromCheckRequest } from './from-check-request.ts'
import { checkMethod, type CheckResponse } from './protos.ts'
import { denialOf, toCheckResponse } from './to-check-response.ts'

/** Time kept for the way back when the caller names a deadline, in ms. */
const wayBackMs = 20

/** Time after the deadline in which a check can still tell by itself that it is late, in ms. */
const graceMs = 5

/** What the handler rests on. */
export interface CheckHandlerDeps {
  readonly check: ObservedCheck
  readonly newId: () => string
  /** Own deadline, in ms; the caller's is heeded where it is sooner. */
  readonly deadlineMs: number
  /** Longest message that is decoded, in bytes. */
  readonly maxMessageBytes: number
  /** Checks under way at once; one more is refused. */
  readonly maxInFlight: number
  readonly now: () => number
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
  readonly onFault: (cause: unknown) => void
  /** Told of a check that was refused because too many were under way. */
  readonly onOverload: () => void
}

/**
 * Answers a Check. Garbage, overload and faults end in a denial inside an answer that is OK for
 * gRPC: only that cannot be turned into an allow by the gateway (docs/adr/0001).
 */
export function createCheckHandler(deps: CheckHandlerDeps): handleUnaryCall<Buffer, Buffer> {
  let inFlight = 0

  function respond({ decision, decisionId }: ObservedDecision, deadline: Deadline): CheckResponse {
    // The check tells and logs that it is late; should it not, its allow must not be sent.
    if (decision.reason === 'granted' && deadline.isLate()) {
      return denialOf('unavailable', decisionId)
    }
    return toCheckResponse(decision, decisionId)
  }

  /** What is no CheckRequest says nothing: step 1 refuses it, and it is logged like any other. */
  function readRequest(bytes: Buffer): AccessRequest {
    if (bytes.length > deps.maxMessageBytes) return fromCheckRequest({})
    try {
      return fromCheckRequest(checkMethod.requestDeserialize(bytes))
    } catch {
      return fromCheckRequest({})
    }
  }

  return (call, callback) => {
    if (inFlight >= deps.maxInFlight) {
      deps.onOverload()
      callback(null, encode(denialOf('unavailable', deps.newId())))
      return
    }
    const leftMs = timeLeftMs(call.getDeadline())
    const deadline = createDeadline(leftMs, deps.monotonicNow)
    try {
      const observed = deps.check(readRequest(call.request), deadline)
      if (observed instanceof Promise) wait(observed, deadline, { call, callback, leftMs })
      else callback(null, encode(respond(observed, deadline)))
    } catch (cause) {
      deps.onFault(cause)
      callback(null, encode(denialOf('unavailable', deps.newId())))
    }
  }

  /** Answers when the check does, or at the deadline, whichever comes first. */
  function wait(
    observed: Promise<ObservedDecision>,
    deadline: CancellableDeadline,
    { call, callback, leftMs }: Waiting,
  ): void {
    inFlight += 1
    const timers = [
      setTimeout(deadline.cancel, leftMs),
      // For a check that does not heed its signal.
      setTimeout(() => finish(denialOf('unavailable', deps.newId())), leftMs + graceMs),
    ]
    call.once('cancelled', deadline.cancel)

    let finished = false
    const finish = (response: CheckResponse): void => {
      if (finished) return
      const bytes = encode(response)
      finished = true
      timers.forEach(clearTimeout)
      inFlight -= 1
      callback(null, bytes)
    }
    observed
      .then((decided) => finish(respond(decided, deadline)))
      .catch((cause: unknown) => {
        deps.onFault(cause)
        finish(denialOf('unavailable', deps.newId()))
      })
  }

  function timeLeftMs(deadline: Date | number): number {
    const callersMs = Number(deadline) - deps.now() - wayBackMs
    return Math.max(0, Math.min(deps.deadlineMs, callersMs))
  }
}

/** A call whose check could not be decided at once. */
interface Waiting {
  readonly call: ServerUnaryCall<Buffer, Buffer>
  readonly callback: sendUnaryData<Buffer>
  readonly leftMs: number
}

interface CancellableDeadline extends Deadline {
  readonly cancel: () => void
}

function createDeadline(leftMs: number, monotonicNow: () => number): CancellableDeadline {
  const endMs = monotonicNow() + leftMs
  let aborter: AbortController | undefined
  let cancelled = leftMs === 0
  return {
    isLate: () => monotonicNow() > endMs,
    signal() {
      aborter ??= new AbortController()
      if (cancelled) aborter.abort()
      return aborter.signal
    },
    cancel() {
      cancelled = true
      aborter?.abort()
    },
  }
}

function encode(response: CheckResponse): Buffer {
  return checkMethod.responseSerialize(response)
}
