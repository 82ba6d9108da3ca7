import { setImmediate } from 'node:timers/promises'

/** A clock that goes on only when it is told to, with the tasks that wait for it. */
export interface VirtualTime {
  readonly nowMs: () => number
  readonly schedule: (task: () => void, afterMs: number) => { readonly cancel: () => void }
  /** Goes on, and does all that is due on the way, with what follows from it. */
  readonly pass: (ms: number) => Promise<void>
}

export function virtualTime(): VirtualTime {
  let nowMs = 0
  const due: { readonly atMs: number; readonly task: () => void }[] = []
  return {
    nowMs: () => nowMs,
    schedule(task, afterMs) {
      const entry = { atMs: nowMs + afterMs, task }
      due.push(entry)
      return {
        cancel() {
          const at = due.indexOf(entry)
          if (at !== -1) due.splice(at, 1)
        },
      }
    },
    async pass(ms) {
      const endMs = nowMs + ms
      for (;;) {
        await setImmediate()
        due.sort((a, b) => a.atMs - b.atMs)
        const [next] = due
        if (next === undefined || next.atMs > endMs) break
        due.shift()
        nowMs = next.atMs
        next.task()
      }
      nowMs = endMs
    },
  }
}
