import type { GateCaller, GateOptions } from './gate.ts'
import { createWaitingEstimate } from './waiting-estimate.ts'
import { createWaitingLine } from './waiting-line.ts'

/**
 * Work of this thread of which each turn of the event loop does some: what has no time in one waits for
 * a later, as at a gate of one place. All that a turn has time for is done in a row, and those who waited for
 * it are told together: so each piece costs little beside itself.
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

/**
 * While others wait, those whose work is done are told once they are so many, or the first of them was done
 * so long ago, in ms: what each does then, as the look-up of a fact, costs less together.
 */
const toldTogether = 64
const untoldMs = 5

/** Makes turns of which none is used. */
export function createTurns(options: TurnsOptions): Turns {
  const { afterTurn, maxWaiting, monotonicNow, refusal, turnMs } = options
  const line = createWaitingLine(options)
  const estimate = createWaitingEstimate({ ...options, places: 1 })
  let spentMs = 0
  let isNextPlanned = false
  /** Tells those whose work is done; the first of them since when. */
  let untold: (() => void)[] = []
  let untoldSinceMs = 0
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
    if (line.waiting() === 0 || untold.length >= toldTogether) tell()
    else if (monotonicNow() - untoldSinceMs >= untoldMs) tell()
  }

  function tell(): void {
    const all = untold
    untold = []
    for (const one of all) one()
  }

  function keep(one: () => void): void {
    if (untold.length === 0) untoldSinceMs = monotonicNow()
    untold.push(one)
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
          else keep(outcomeOf(() => timed(task), resolve, reject))
        })
      })
    },
  }
}

/** Does a task, and gives what tells what came of it. */
function outcomeOf<T>(
  task: () => T,
  resolve: (value: T) => void,
  reject: (cause: unknown) => void,
): () => void {
  try {
    const value = task()
    return () => resolve(value)
  } catch (cause) {
    return () => reject(cause)
  }
}
