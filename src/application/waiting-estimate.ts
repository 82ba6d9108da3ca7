/** How long tasks take, and so whether it is of use to wait for one's turn among them. */
export interface WaitingEstimate {
  /** A place was taken for so long, in ms. */
  readonly took: (ms: number) => void
  /** Whether all who wait, and one more who has so many ms left, would by that take too long. */
  readonly isHopeless: (waiting: number, leftMs: number) => boolean
}

/** What an estimate rests on. */
export interface WaitingEstimateOptions {
  /** Tasks that run at once. */
  readonly places: number
  /** Share of a caller's time that it may spend on waiting; the rest is for what comes after. */
  readonly waitingShare: number
}

/** How much of the estimate is the last task, and how many times the estimate that may count for. */
const weight = 0.1
const most = 4
const leastMs = 1

/** Makes an estimate that knows of no task. */
export function createWaitingEstimate(options: WaitingEstimateOptions): WaitingEstimate {
  const { places, waitingShare } = options
  let taskMs = 0
  return {
    took(ms) {
      // One that took very long, as where the process stood still, says little of the next.
      taskMs += weight * (Math.min(ms, most * taskMs + leastMs) - taskMs)
    },
    isHopeless(waiting, leftMs) {
      if (leftMs === Infinity) return false
      return ((waiting + 1) * taskMs) / places > leftMs * waitingShare
    },
  }
}
