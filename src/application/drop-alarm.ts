/** Lines count as lost again and again until so long passed without a loss, in ms. */
const quietMs = 5_000

/** Says when a log begins to lose lines and when that has ended, each once. */
export interface DropAlarm {
  readonly dropped: (lines?: number) => void
  /** A line was taken: the loss ends with the first that comes a while after the last lost one. */
  readonly taken: () => void
  /** Lines lost since the start. */
  readonly total: () => number
}

/** What an alarm rests on. */
export interface DropAlarmDeps {
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
  /** The first line of a loss was dropped. */
  readonly onBegin: () => void
  /** Lines are taken again; so many were lost. */
  readonly onEnd: (lines: number) => void
}

/** Makes an alarm. */
export function createDropAlarm({ monotonicNow, onBegin, onEnd }: DropAlarmDeps): DropAlarm {
  let total = 0
  let lost = 0
  let lastMs = 0
  return {
    dropped(lines = 1) {
      total += lines
      lost += lines
      lastMs = monotonicNow()
      if (lost === lines) onBegin()
    },
    taken() {
      if (lost === 0 || monotonicNow() - lastMs < quietMs) return
      const lines = lost
      lost = 0
      onEnd(lines)
    },
    total: () => total,
  }
}
