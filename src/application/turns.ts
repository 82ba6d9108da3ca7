import type { GateCaller, GateOptions } from './gate.ts'
import { createWaitingEstimate } from './waiting-estimate.ts'
import { createWaitingLine } from './waiting-line.ts'

/**
 * Work of this thread of which each turn of the event loop does some: what has no time in one waits for
 * a later, as at a gate of one place. All that a turn has time for is done in a row, and who waited for it
 * is told afterwards: so each piece costs no more than its own promise.
 */
export interface Turns {
  /** Whether there is time in this turn for who comes now: nobody goes before those who wait. */
  readonly haveTime: () => boolean
  /** Does a task in this turn. */
  readonly now: <T>(task: () => T) => T
  /**
   * Does a task in a later turn. Throws at once where too many wait, or where its turn would come too
   * late; rejects as soon as the caller gives up while it waits.
   */
  readonly later: <T>(task: () => T, caller: GateCaller) => Promise<T>
}

/** How turns are divided. */
export interface TurnsOptions extends Omit<GateOptions, 'places'> {
  /** Time that this work may take of a turn, in ms. */
  readonly turnMs: number
  /** Calls a task when this turn is over. */
  readonly afterTurn: (task: () => void) => void
}

/** Makes turns of which none is used. */
export function createTurns(options: TurnsOptions): Turns {
  const { afterTurn, maxWaiting, monotonicNow, refusal, turnMs } = options
  const line = createWaitingLine(options)
  const estimate = createWaitingEstimate({ ...options, places: 1 })
  let spentMs = 0
  let isNextPlanned = false
  /** When the last of those who waited had its turn, or the first of them came. */
  let lastMs = 0

  function planNext(): void {
    if (!isNextPlanned) afterTurn(begin)
    isNextPlanned = true
  }

  function begin(): void {
    spentMs = 0
    isNextPlanned = false
    // Whoever is left over had no time here: then something was done, and so the next turn is planned.
    let isAdmitted = true
    while (isAdmitted && spentMs < turnMs) isAdmitted = line.admitNext()
  }

  function now<T>(task: () => T): T {
    planNext()
    const begunMs = monotonicNow()
    try {
      return task()
    } finally {
      spentMs += monotonicNow() - begunMs
    }
  }

  /** With what the turns between took, which is how long the next will have to wait. */
  function timed<T>(task: () => T): T {
    try {
      return now(task)
    } finally {
      const endedMs = monotonicNow()
      estimate.took(endedMs - lastMs)
      lastMs = endedMs
    }
  }

  return {
    now,
    // Then nobody waits: a turn begins with those who do, and they join where there is no time.
    haveTime: () => spentMs < turnMs,
    later(task, caller) {
      const leftMs = caller.leftMs()
      if (leftMs <= 0) throw refusal('late')
      const waiting = line.waiting()
      if (waiting >= maxWaiting) throw refusal('full')
      if (estimate.isHopeless(waiting, leftMs)) throw refusal('hopeless')
      if (waiting === 0) lastMs = monotonicNow()
      planNext()
      return new Promise((resolve, reject) => {
        line.join(caller.signal(), (isAdmitted) => {
          if (!isAdmitted || caller.leftMs() <= 0) reject(refusal('gone'))
          else settle(() => timed(task), resolve, reject)
        })
      })
    },
  }
}

function settle<T>(
  task: () => T,
  resolve: (value: T) => void,
  reject: (cause: unknown) => void,
): void {
  try {
    resolve(task())
  } catch (cause) {
    reject(cause)
  }
}
