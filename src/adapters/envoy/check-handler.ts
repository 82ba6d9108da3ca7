import type { handleUnaryCall } from '@grpc/grpc-js'
import type { ObservedCheck } from '../../application/observe-check.ts'
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

  async function answer(
    bytes: Buffer,
    signal: AbortSignal,
    isLate: () => boolean,
  ): Promise<CheckResponse> {
    const { decision, decisionId } = await deps.check(readRequest(bytes), signal, isLate)
    // The check tells and logs that it is late; should it not, its allow must not be sent.
    if (decision.reason === 'granted' && isLate()) return denialOf('unavailable', decisionId)
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
    inFlight += 1
    const leftMs = timeLeftMs(call.getDeadline())
    const deadlineMs = deps.monotonicNow() + leftMs
    const isLate = (): boolean => deps.monotonicNow() > deadlineMs
    const aborter = new AbortController()
    const timers = [
      setTimeout(() => aborter.abort(), leftMs),
      // For a check that does not heed its signal.
      setTimeout(() => finish(denialOf('unavailable', deps.newId())), leftMs + graceMs),
    ]
    if (leftMs === 0) aborter.abort()
    call.once('cancelled', () => aborter.abort())

    let finished = false
    const finish = (response: CheckResponse): void => {
      if (finished) return
      const bytes = encode(response)
      finished = true
      timers.forEach(clearTimeout)
      inFlight -= 1
      callback(null, bytes)
    }
    const failed = (cause: unknown): void => {
      deps.onFault(cause)
      finish(denialOf('unavailable', deps.newId()))
    }
    answer(call.request, aborter.signal, isLate).then(finish).catch(failed)
  }

  function timeLeftMs(deadline: Date | number): number {
    const callersMs = Number(deadline) - deps.now() - wayBackMs
    return Math.max(0, Math.min(deps.deadlineMs, callersMs))
  }
}

function encode(response: CheckResponse): Buffer {
  return checkMethod.responseSerialize(response)
}
