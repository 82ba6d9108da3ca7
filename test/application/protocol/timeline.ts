/** Simulated time: tasks happen when they are due, and time passes for no other reason. */
export interface Timeline {
  /** True time, in ms; also PostgreSQL's clock, and so the one that facts are judged by. */
  readonly nowMs: () => number
  readonly in: (afterMs: number, task: () => void) => { readonly cancel: () => void }
  /** Lets all that is due happen, each with all that follows from it, and time pass. */
  readonly run: (untilMs: number) => Promise<void>
}

/** Far from zero, so that no time is mistaken for none. */
export const epochMs = Date.UTC(2026, 10, 20, 12)

interface Due {
  readonly atMs: number
  readonly task: () => void
}

/** All promises that can go on have gone on. */
export const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Makes a timeline on which nothing is due. */
export function createTimeline(): Timeline {
  let now = epochMs
  const queue: Due[] = []

  return {
    nowMs: () => now,
    in(afterMs, task) {
      // No two moments are the same, so that every order is one that chance has drawn.
      const due = { atMs: now + Math.max(0, afterMs) + 0.001, task }
      let at = queue.length
      while (at > 0 && (queue[at - 1] as Due).atMs > due.atMs) at -= 1
      queue.splice(at, 0, due)
      return {
        cancel() {
          const index = queue.indexOf(due)
          if (index !== -1) queue.splice(index, 1)
        },
      }
    },
    async run(untilMs) {
      await settled()
      for (;;) {
        const [first] = queue
        if (first === undefined || first.atMs > untilMs) break
        queue.shift()
        now = first.atMs
        first.task()
        await settled()
      }
      now = Math.max(now, untilMs)
    },
  }
}
