import type { ObservedCheck, ObservedDecision } from '../../application/observe-check.ts'
import type { LookAhead } from '../../application/look-ahead.ts'
import type { RefuseCheck } from '../../application/refuse-check.ts'
import type { DenyReason } from '../../domain/decision.ts'
import type { AccessRequest } from '../../domain/request.ts'
import type { Burst } from '../../ports/burst.ts'
import type { BatchClock } from '../../ports/clock.ts'
import type { UnaryCall, UnaryHandler } from '../../ports/unary-call.ts'
import { CheckDeadline } from './check-deadline.ts'
import { createCheckDecoder, type CheckDecoderDeps } from './check-decoder.ts'
import { createCheckEncoder } from './check-encoder.ts'
import { unreadableRequest } from './decoded-request.ts'

/** Time kept for the way back when the caller names a deadline, in ms. */
const wayBackMs = 20

/** Checks that are decided together at most: what they need has to fit into the processor's cache. */
const maxTogether = 64

/** Time after the deadline in which a check can still tell by itself that it is late, in ms. */
const graceMs = 5

/** What the handler rests on. */
export interface CheckHandlerDeps extends CheckDecoderDeps {
  readonly check: ObservedCheck
  /** Logs and counts what is denied without its decision. */
  readonly refuse: RefuseCheck
  /** Own deadline, in ms; the caller's is heeded where it is sooner. */
  readonly deadlineMs: number
  /** Longest message that is decoded, in bytes. */
  readonly maxMessageBytes: number
  /** Checks under way at once; one more is refused. */
  readonly maxInFlight: number
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
  readonly onFault: (cause: unknown) => void
  /** Which messages were read together: their checks are decided together. Absent: each by itself. */
  readonly burst?: Burst | undefined
  /** Stands still while checks are decided together. */
  readonly batchClock?: Pick<BatchClock, 'begin' | 'end'>
  /** What looks at what checks will need that are decided together. */
  readonly lookAhead?: Pick<LookAhead, 'at'>
  /** Told how many checks wait for I/O, whenever that changes. */
  readonly onWaiting?: (checks: number) => void
}

/**
 * Answers a Check, whatever carries it. Garbage, overload and faults end in a denial inside an answer
 * that is OK for gRPC: only that cannot be turned into an allow by the gateway (docs/adr/0001).
 */
export function createCheckHandler(deps: CheckHandlerDeps): UnaryHandler {
  const decode = createCheckDecoder(deps)
  const encoder = createCheckEncoder()
  const { burst } = deps
  let inFlight = 0
  /** Checks of the messages that were read together, up to now. */
  const together: Undecided[] = []

  return (call, bytes, start, end) => {
    if (inFlight >= deps.maxInFlight) {
      deny(call, 'unavailable', deps.refuse({ durationMs: 0 }))
      return
    }
    const leftMs = timeLeftMs(call.timeoutMs)
    const deadline = new CheckDeadline(leftMs, deps.monotonicNow)
    let request: AccessRequest = unreadableRequest
    try {
      // What is no CheckRequest says nothing: step 1 refuses it, and it is logged like any other.
      if (end - start <= deps.maxMessageBytes) request = decode(bytes, start, end)
    } catch (cause) {
      fail(call, request, cause)
      return
    }
    const undecided = { call, deadline, leftMs, request }
    if (burst?.isOpen() === true) decideLater(undecided, burst)
    else decide(undecided)
  }

  /** What was decoded holds nothing of its message. */
  function decideLater(undecided: Undecided, { atEnd }: Burst): void {
    const { call, deadline } = undecided
    call.onCancelled = () => deadline.cancel()
    together.push(undecided)
    if (together.length === maxTogether) decideTogether()
    else if (together.length === 1) atEnd(decideTogether)
  }

  function decideTogether(): void {
    if (together.length === 0) return // as many came as are decided at most
    try {
      if (together.length > 1) deps.lookAhead?.at(together)
    } catch (cause) {
      deps.onFault(cause) // no decision rests on it
    }
    deps.batchClock?.begin()
    try {
      for (const undecided of together) {
        try {
          decide(undecided)
        } catch (cause) {
          deps.onFault(cause) // it keeps nobody else of the same read from an answer
        }
      }
    } finally {
      deps.batchClock?.end() // whatever goes wrong: it must not stand still for those to come
      together.length = 0
    }
  }

  function decide(undecided: Undecided): void {
    const { call, deadline, request } = undecided
    if (inFlight >= deps.maxInFlight) {
      deny(call, 'unavailable', deps.refuse({ request, durationMs: 0 }))
      return
    }
    try {
      const observed = deps.check(request, deadline)
      if (observed instanceof Promise) wait(observed, undecided)
      else respond(call, observed, deadline)
    } catch (cause) {
      fail(call, request, cause)
    }
  }

  function fail(call: UnaryCall, request: AccessRequest, cause: unknown): void {
    deps.onFault(cause)
    deny(call, 'unavailable', deps.refuse({ request, durationMs: 0 }))
  }

  function respond(call: UnaryCall, observed: ObservedDecision, deadline: CheckDeadline): void {
    const { assertion, decision, decisionId } = observed
    // The check tells and logs that it is late; should it not, its allow must not be sent.
    if (decision.reason === 'granted' && deadline.isLate()) {
      deny(call, 'unavailable', decisionId)
      return
    }
    const length = encoder.answer(decision, decisionId, assertion)
    call.reply(encoder.bytes(), length)
  }

  function deny(call: UnaryCall, reason: DenyReason, decisionId: string): void {
    const length = encoder.denial(reason, decisionId)
    call.reply(encoder.bytes(), length)
  }

  /** Answers when the check does, or at the deadline, whichever comes first. */
  function wait(observed: Promise<ObservedDecision>, undecided: Undecided): void {
    const { call, deadline, leftMs, request } = undecided
    inFlight += 1
    const begunMs = deps.monotonicNow()
    deps.onWaiting?.(inFlight)
    const cancel = (): void => deadline.cancel()
    let timer = setTimeout(() => {
      cancel()
      // For a check that does not heed its signal.
      timer = setTimeout(() => giveUp(), graceMs)
    }, leftMs)
    call.onCancelled = cancel

    let finished = false
    const finish = (): void => {
      finished = true
      clearTimeout(timer)
      inFlight -= 1
      deps.onWaiting?.(inFlight)
    }
    const giveUp = (): void => {
      if (finished) return
      const durationMs = deps.monotonicNow() - begunMs
      const decisionId = deps.refuse({ request, durationMs })
      deadline.answer(decisionId)
      finish()
      deny(call, 'unavailable', decisionId)
    }
    observed
      .then((decided) => {
        if (finished) return
        respond(call, decided, deadline)
        finish()
      })
      .catch((cause: unknown) => {
        deps.onFault(cause)
        giveUp()
      })
  }

  /** What is no number of ms is no deadline: the own one holds. */
  function timeLeftMs(callersMs: number): number {
    const leftMs = callersMs - wayBackMs
    return leftMs < deps.deadlineMs ? Math.max(0, leftMs) : deps.deadlineMs
  }
}

/** A call whose check is not decided yet. */
interface Undecided {
  readonly call: UnaryCall
  readonly deadline: CheckDeadline
  readonly leftMs: number
  readonly request: AccessRequest
}
