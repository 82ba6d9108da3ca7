import type { handleUnaryCall, sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js'
import type { Deadline } from '../../application/deadline.ts'
import type { ObservedCheck, ObservedDecision } from '../../application/observe-check.ts'
import type { RefuseCheck } from '../../application/refuse-check.ts'
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
  /** Logs and counts what is denied without its decision. */
  readonly refuse: RefuseCheck
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
  /** Told how many checks wait for I/O, whenever that changes. */
  readonly onWaiting?: (checks: number) => void
}

/**
 * Answers a Check. Garbage, overload and faults end in a denial inside an answer that is OK for
 * gRPC: only that cannot be turned into an allow by the gateway (docs/adr/0001).
 */
export function createCheckHandler(deps: CheckHandlerDeps): handleUnaryCall<Buffer, Buffer> {
  let inFlight = 0

  function respond(observed: ObservedDecision, deadline: Deadline): CheckResponse {
    const { assertion, decision, decisionId } = observed
    // The check tells and logs that it is late; should it not, its allow must not be sent.
    if (decision.reason === 'granted' && deadline.isLate()) {
      return denialOf('unavailable', decisionId)
    }
    return toCheckResponse(decision, decisionId, assertion)
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
      callback(null, encode(denialOf('unavailable', deps.refuse({ durationMs: 0 }))))
      return
    }
    const leftMs = timeLeftMs(call.getDeadline())
    const deadline = createDeadline(leftMs, deps.monotonicNow)
    const request = readRequest(call.request)
    try {
      const observed = deps.check(request, deadline)
      if (observed instanceof Promise) wait(observed, deadline, { call, callback, leftMs, request })
      else callback(null, encode(respond(observed, deadline)))
    } catch (cause) {
      deps.onFault(cause)
      callback(null, encode(denialOf('unavailable', deps.refuse({ request, durationMs: 0 }))))
    }
  }

  /** Answers when the check does, or at the deadline, whichever comes first. */
  function wait(
    observed: Promise<ObservedDecision>,
    deadline: CancellableDeadline,
    { call, callback, leftMs, request }: Waiting,
  ): void {
    inFlight += 1
    const begunMs = deps.monotonicNow()
    deps.onWaiting?.(inFlight)
    const timers = [
      setTimeout(deadline.cancel, leftMs),
      // For a check that does not heed its signal.
      setTimeout(() => giveUp(), leftMs + graceMs),
    ]
    call.once('cancelled', deadline.cancel)

    const giveUp = (): void => {
      if (finished) return
      const durationMs = deps.monotonicNow() - begunMs
      const decisionId = deps.refuse({ request, durationMs })
      deadline.answer(decisionId)
      finish(denialOf('unavailable', decisionId))
    }
    let finished = false
    const finish = (response: CheckResponse): void => {
      if (finished) return
      const bytes = encode(response)
      finished = true
      timers.forEach(clearTimeout)
      inFlight -= 1
      deps.onWaiting?.(inFlight)
      callback(null, bytes)
    }
    observed
      .then((decided) => finish(respond(decided, deadline)))
      .catch((cause: unknown) => {
        deps.onFault(cause)
        giveUp()
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
  readonly request: AccessRequest
}

interface CancellableDeadline extends Deadline {
  readonly cancel: () => void
  /** The caller has its answer, under this id, whatever the check comes to. */
  readonly answer: (decisionId: string) => void
}

function createDeadline(leftMs: number, monotonicNow: () => number): CancellableDeadline {
  const endMs = monotonicNow() + leftMs
  let aborter: AbortController | undefined
  let cancelled = leftMs === 0
  let answered: string | undefined
  return {
    isLate: () => monotonicNow() > endMs,
    answeredAs: () => answered,
    answer: (decisionId) => void (answered = decisionId),
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
