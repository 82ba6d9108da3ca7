/**
 * The life of one connection, from the first try to its end, whatever ends it. It ends once and is
 * never repaired: the next one starts from nothing, so nothing of the old can be taken for new.
 */
export interface Attempt {
  readonly ended: () => boolean
  /** Ends it at once, without a word to the server, which may not hear. Later calls do nothing. */
  readonly end: (why: string) => void
  /** Registers what is to be undone at the end; done at once where it has ended. */
  readonly onEnd: (undo: () => void) => void
  /** Settles as the work does, but rejects when the attempt ends, and ends it after so many ms. */
  readonly within: <T>(work: Promise<T>, ms: number, what: string) => Promise<T>
  /** Waits; rejects when the attempt ends. */
  readonly pause: (ms: number) => Promise<void>
  /** Ends the attempt when what it returns is not called for so many ms. */
  readonly watchdog: (ms: number, why: string) => () => void
}

/** Begins an attempt; `onEnd` is told why it ended, synchronously. */
export function createAttempt(onEnd: (why: string) => void): Attempt {
  let over: string | undefined
  const undoing = new Set<() => void>()

  function end(why: string): void {
    if (over !== undefined) return
    over = why
    for (const undo of undoing) undo()
    undoing.clear()
    onEnd(why)
  }

  /** Runs a task after so many ms unless it is called off, which the end does too. */
  function after(ms: number, task: () => void) {
    const timer = setTimeout(task, ms)
    const cancel = () => {
      clearTimeout(timer)
      undoing.delete(cancel)
    }
    undoing.add(cancel)
    return { cancel, again: () => void timer.refresh() }
  }

  function within<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
    if (over !== undefined) {
      work.catch(() => undefined)
      return Promise.reject(new Error(over))
    }
    // Not Promise.race with a promise of the end, which would keep every answer until then.
    return new Promise<T>((resolve, reject) => {
      let pending = true
      const timer = after(ms, () => {
        // After the process stood still the answer may lie in the socket: read before judging.
        setImmediate(() => {
          if (pending) end(`${what}: no answer within ${ms} ms`)
        })
      })
      const abandon = () => reject(new Error(over))
      undoing.add(abandon)
      const settled = () => {
        pending = false
        timer.cancel()
        undoing.delete(abandon)
      }
      work.finally(settled).then(resolve, reject)
    })
  }

  return {
    end,
    within,
    ended: () => over !== undefined,
    onEnd(undo) {
      if (over === undefined) undoing.add(undo)
      else undo()
    },
    pause: (ms) =>
      new Promise((resolve, reject) => {
        const abandon = () => reject(new Error(over))
        if (over !== undefined) {
          abandon()
          return
        }
        undoing.add(abandon)
        after(ms, () => {
          undoing.delete(abandon)
          resolve()
        })
      }),
    watchdog(ms, why) {
      let fed = 0
      const timer = after(ms, () => {
        const before = fed
        setImmediate(() => {
          if (fed === before) end(why)
        })
      })
      return () => {
        fed += 1
        if (over === undefined) timer.again()
      }
    },
  }
}
