import { AppError } from '../domain/errors.ts'
import { createGate, type GateCaller, type GateRefusal } from './gate.ts'
import { createTurns } from './turns.ts'

/**
 * Sees to it that verification of signatures, of which anybody can ask for any amount, takes no more
 * than it can be given: who is known already is answered all the same.
 */
export interface VerificationLimit {
  /**
   * Work of this thread: at once while this turn of the event loop has time for it, else in a later
   * turn, after what was read meanwhile. Throws or rejects with `VERIFICATION_UNAVAILABLE`.
   */
  readonly here: <T>(task: () => T, caller: GateCaller) => T | Promise<T>
  /** Work of other threads, a few at a time. Throws or rejects with `VERIFICATION_UNAVAILABLE`. */
  readonly elsewhere: <T>(task: () => Promise<T>, caller: GateCaller) => Promise<T>
  /**
   * Work that either can do: this thread, which is cheaper, while the turn has time for it, then
   * others where there are cores to spare, then a later turn.
   */
  readonly wherever: <T>(work: Work<T>, caller: GateCaller) => T | Promise<T>
}

/** The same work, done by this thread or by another. */
export interface Work<T> {
  readonly here: () => T
  readonly elsewhere: () => Promise<T>
}

/** What the limit rests on. */
export interface VerificationLimitDeps {
  /** Cores that this thread leaves to others. */
  readonly spareCores: number
  /** How long the first of those that wait may have waited for them to go in order, in ms. */
  readonly patienceMs: number
  /** Time that verification may take of a turn of the event loop, in ms. */
  readonly turnMs: number
  /** Calls a task when this turn is over. */
  readonly afterTurn: (task: () => void) => void
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
}

/**
 * Tokens that may wait for their turn, on this thread and on others: together with those that wait for
 * keys far fewer than the checks that may be under way, or nobody else could be.
 */
const maxWaiting = 2_000
/** Share of a check's time that it may spend on waiting: the rest is for its fact. */
const waitingShare = 0.35

const fault = (message: string): AppError => new AppError('VERIFICATION_UNAVAILABLE', message)

/** Made once: under overload they are thrown all the time, and tell nothing of who throws them. */
const refusals: Readonly<Record<GateRefusal, AppError>> = {
  late: fault('there was no time left to verify a token'),
  full: fault('too many tokens wait to be verified'),
  hopeless: fault('too many tokens wait for this one to be verified in time'),
  gone: fault('a token was not verified in time'),
}

/** Makes a limit under which nothing is verified yet. */
export function createVerificationLimit(deps: VerificationLimitDeps): VerificationLimit {
  const { afterTurn, monotonicNow, patienceMs, spareCores, turnMs } = deps
  const refusal = (why: GateRefusal): AppError => refusals[why]
  const rules = { maxWaiting, patienceMs, waitingShare, monotonicNow, refusal }
  const threads = createGate({ ...rules, places: Math.max(spareCores, 1) })
  const turns = createTurns({ ...rules, turnMs, afterTurn })

  return {
    here: (task, caller) => (turns.haveTime() ? turns.now(task) : turns.later(task, caller)),
    wherever(work, caller) {
      if (turns.haveTime()) return turns.now(work.here)
      if (threads.usage().running < spareCores) return threads.run(work.elsewhere, caller)
      return turns.later(work.here, caller)
    },
    elsewhere: threads.run,
  }
}
