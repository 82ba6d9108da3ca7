import { AppError } from '../../domain/errors.ts'

/**
 * Lets a number of tasks run at once; the others wait, as long as they want to. They go in their
 * order while that serves them in time. Once the first has waited too long, the newest goes instead:
 * under more load than can be served, first come first served would give each its turn just when it
 * has given up.
 */
export interface Gate {
  /**
   * Runs a task when its turn comes. Rejects with `DATABASE_UNAVAILABLE` where too many wait, and
   * as soon as the signal aborts while it waits: what nobody waits for any more must not be done,
   * or a short slowness becomes a long outage.
   */
  readonly run: <T>(task: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>
  /** Tasks that run, and that wait for their turn. */
  readonly usage: () => { readonly running: number; readonly waiting: number }
}

/** How a gate behaves. */
export interface GateOptions {
  /** Tasks that run at once. */
  readonly places: number
  /** Tasks that may wait. */
  readonly maxWaiting: number
  /** How long the first may have waited for the others to be served in order, in ms. */
  readonly patienceMs: number
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
}

interface Waiting {
  readonly sinceMs: number
  readonly admit: () => void
  /** What gave up stays in the list until it comes to an end of it or the list is cleared. */
  state: 'waits' | 'admitted' | 'gone'
}

/** Makes a gate that nobody has entered. */
export function createGate(options: GateOptions): Gate {
  const { maxWaiting, monotonicNow, patienceMs, places } = options
  let free = places
  let waiting: Waiting[] = []
  let first = 0
  let present = 0

  function next(): Waiting | undefined {
    while (waiting[first]?.state === 'gone') first += 1
    const oldest = waiting[first]
    if (oldest === undefined) {
      waiting = []
      first = 0
      return undefined
    }
    if (monotonicNow() - oldest.sinceMs <= patienceMs) {
      first += 1
      return oldest
    }
    let newest = waiting.pop()
    while (newest?.state === 'gone') newest = waiting.pop()
    return newest
  }

  function leave(): void {
    const admitted = next()
    if (admitted === undefined) {
      free += 1
      return
    }
    present -= 1
    admitted.state = 'admitted'
    admitted.admit()
  }

  async function enter(signal: AbortSignal | undefined): Promise<void> {
    if (free > 0) {
      free -= 1
      return
    }
    if (present >= maxWaiting) {
      throw new AppError('DATABASE_UNAVAILABLE', 'too many statements wait for a connection')
    }
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const entry: Waiting = {
      sinceMs: monotonicNow(),
      admit: () => resolve(undefined),
      state: 'waits',
    }
    const abort = (): void => {
      if (entry.state !== 'waits') return
      entry.state = 'gone'
      present -= 1
      reject(new AppError('DATABASE_UNAVAILABLE', 'no connection was free in time'))
    }
    if (waiting.length > 2 * maxWaiting) clear()
    waiting.push(entry)
    present += 1
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Drops what no longer waits from the list. */
  function clear(): void {
    waiting = waiting.filter(({ state }) => state === 'waits')
    first = 0
  }

  return {
    usage: () => ({ running: places - free, waiting: present }),
    async run(task, signal) {
      if (signal?.aborted === true) {
        throw new AppError('DATABASE_UNAVAILABLE', 'there was no time left for a statement')
      }
      await enter(signal)
      try {
        return await task()
      } finally {
        leave()
      }
    },
  }
}
