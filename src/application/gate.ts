import type { EndSignal } from '../ports/end-signal.ts'
import { createWaitingEstimate } from './waiting-estimate.ts'
import { createWaitingLine } from './waiting-line.ts'

/**
 * Lets a number of tasks run at once; the others wait. They go in their order while that serves them
 * in time. Once the first has waited too long, the newest goes instead: under more load than can be
 * served, first come first served would give each its turn just when it has given up.
 */
export interface Gate {
  /**
   * Runs a task when its turn comes. Throws at once where too many wait, or where the turn would come
   * too late; rejects as soon as the caller gives up while it waits: what nobody waits for any more
   * must not be done, or a short slowness becomes a long outage.
   */
  readonly run: <T>(task: () => Promise<T>, caller: GateCaller) => Promise<T>
  /** Tasks that run, and that wait for their turn. */
  readonly usage: () => { readonly running: number; readonly waiting: number }
}

/** Who wants a task to be run. A check's deadline is one. */
export interface GateCaller {
  /** Time until it is too late, in ms; 0: it is; Infinity: nobody knows. */
  readonly leftMs: () => number
  /** Aborts when the caller gives up; asked for only where it has to wait. */
  readonly signal: () => EndSignal
}

/**
 * Why a task is not run: its caller had no time when it came (`late`); too many wait (`full`); so many
 * wait that its turn would come too late (`hopeless`); its caller gave up waiting (`gone`).
 */
export type GateRefusal = 'late' | 'full' | 'hopeless' | 'gone'

/** How a gate behaves. */
export interface GateOptions {
  /** Tasks that run at once. */
  readonly places: number
  /** Tasks that may wait. */
  readonly maxWaiting: number
  /** How long the first may have waited for the others to be served in order, in ms. */
  readonly patienceMs: number
  /** Share of a caller's time that it may spend on waiting; the rest is for what comes after. */
  readonly waitingShare: number
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
  /** The error that tells a caller so. */
  readonly refusal: (why: GateRefusal) => Error
}

/** Makes a gate that nobody has entered. */
export function createGate(options: GateOptions): Gate {
  const { maxWaiting, monotonicNow, places, refusal } = options
  const line = createWaitingLine(options)
  const estimate = createWaitingEstimate(options)
  let free = places

  function leave(begunMs: number): void {
    estimate.took(monotonicNow() - begunMs)
    if (!line.admitNext()) free += 1
  }

  async function runNow<T>(task: () => Promise<T>): Promise<T> {
    const begunMs = monotonicNow()
    try {
      return await task()
    } finally {
      leave(begunMs)
    }
  }

  async function runLater<T>(task: () => Promise<T>, caller: GateCaller): Promise<T> {
    const isAdmitted = await new Promise<boolean>((resolve) => line.join(caller.signal(), resolve))
    if (!isAdmitted) throw refusal('gone')
    return runNow(task)
  }

  return {
    usage: () => ({ running: places - free, waiting: line.waiting() }),
    run(task, caller) {
      const leftMs = caller.leftMs()
      if (leftMs <= 0) throw refusal('late')
      if (free > 0) {
        free -= 1
        return runNow(task)
      }
      if (line.waiting() >= maxWaiting) throw refusal('full')
      if (estimate.isHopeless(line.waiting(), leftMs)) throw refusal('hopeless')
      return runLater(task, caller)
    },
  }
}
