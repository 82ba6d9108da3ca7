import { AppError } from '../../domain/errors.ts'

/** Lets a number of tasks run at once; the others wait in order, as long as they want to. */
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
}

/** Makes a gate of `places`, with `maxWaiting` tasks in front of it at most. */
export function createGate(places: number, maxWaiting: number): Gate {
  let free = places
  const waiting = new Set<Waiting>()

  function leave(): void {
    const [next] = waiting
    if (next === undefined) free += 1
    else {
      waiting.delete(next)
      next.admit()
    }
  }

  async function enter(signal: AbortSignal | undefined): Promise<void> {
    if (free > 0) {
      free -= 1
      return
    }
    if (waiting.size >= maxWaiting) {
      throw new AppError('DATABASE_UNAVAILABLE', 'too many statements wait for a connection')
    }
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const entry = { admit: () => resolve(undefined) }
    const abort = (): void => {
      if (!waiting.delete(entry)) return // it is its turn already
      reject(new AppError('DATABASE_UNAVAILABLE', 'no connection was free in time'))
    }
    waiting.add(entry)
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
