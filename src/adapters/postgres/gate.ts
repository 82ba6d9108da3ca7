import { AppError } from '../../domain/errors.ts'

/**
 * Lets a number of tasks run at once; the others wait, as long as they want to. The newest goes
 * first: under more load than can be served, first come first served would give each its turn just
 * when it has given up.
 */
export interface Gate {
  /**
   * Runs a task when its turn comes. Rejects with `DATABASE_UNAVAILABLE` where too many wait, and
   * as soon as the signal aborts while it waits: what nobody waits for any more must not be done,
   * or a short slowness becomes a long outage.
   */
  readonly run: <T>(task: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>
}

interface Waiting {
  readonly admit: () => void
  /** What gave up stays in the list until it comes to the top or the list is cleared of such. */
  state: 'waits' | 'admitted' | 'gone'
}

/** Makes a gate of `places`, with `maxWaiting` tasks in front of it at most. */
export function createGate(places: number, maxWaiting: number): Gate {
  let free = places
  let waiting: Waiting[] = []
  let present = 0

  function leave(): void {
    let next = waiting.pop()
    while (next?.state === 'gone') next = waiting.pop()
    if (next === undefined) free += 1
    else {
      present -= 1
      next.state = 'admitted'
      next.admit()
    }
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
    const entry: Waiting = { admit: () => resolve(undefined), state: 'waits' }
    const abort = (): void => {
      if (entry.state !== 'waits') return
      entry.state = 'gone'
      present -= 1
      if (waiting.length > 2 * maxWaiting) waiting = waiting.filter((e) => e.state === 'waits')
      reject(new AppError('DATABASE_UNAVAILABLE', 'no connection was free in time'))
    }
    waiting.push(entry)
    present += 1
    signal?.addEventListener('abort', abort, { once: true })
    try {
      await promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  return {
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
