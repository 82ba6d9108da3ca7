/** When a service that has just begun to answer checks may load what none of them needs. */
export interface FirstCalm {
  /** Told how many checks wait for I/O. */
  readonly checksWaiting: (checks: number) => void
  /** PostgreSQL has answered, or will not for now. */
  readonly databaseTold: () => void
  /**
   * Resolves once PostgreSQL was heard of and no check waits, or that takes too long from this call on.
   */
  readonly come: () => Promise<void>
}

/** Where checks come without a pause, or PostgreSQL is silent, the rest is loaded all the same, in ms. */
const patienceMs = 250

/**
 * Libraries load in one piece: whoever asks meanwhile waits for all of it, 100 ms for the HTTP server.
 * A gateway that tried again until the port was open asks at once, and its first check rests on
 * PostgreSQL.
 */
export function createFirstCalm(): FirstCalm {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  let waiting = 0
  let told = false
  let over = false
  const settle = (): void => {
    if (!over) setImmediate(resolve, undefined) // what this turn decided is written before
    over = true
  }
  const look = (): void => {
    if (told && waiting === 0) settle()
  }
  return {
    checksWaiting(checks) {
      waiting = checks
      look()
    },
    databaseTold() {
      told = true
      look()
    },
    async come() {
      const timer = setTimeout(settle, patienceMs)
      await promise
      clearTimeout(timer)
    },
  }
}
