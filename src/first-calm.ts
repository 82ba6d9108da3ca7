/** When a service that has just begun to answer checks may load what none of them needs. */
export interface FirstCalm {
  /** Told how many checks wait for I/O. */
  readonly checksWaiting: (checks: number) => void
  /** PostgreSQL has answered, or will not for now. */
  readonly databaseTold: () => void
  /**
   * Resolves once PostgreSQL was heard of and a first check has waited and none does any more, or that
   * takes too long from this call on, which is when checks may come.
   */
  readonly come: () => Promise<void>
}

/** How long a first check is awaited where all is calm, in ms. */
const graceMs = 25
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
  let asked = false
  let over = false
  const settle = (): void => {
    if (!over) setImmediate(resolve, undefined) // what this turn decided is written before
    over = true
  }
  const look = (): void => {
    if (told && asked && waiting === 0) settle()
  }
  return {
    checksWaiting(checks) {
      waiting = checks
      asked ||= checks > 0
      look()
    },
    databaseTold() {
      told = true
      look()
    },
    async come() {
      const grace = setTimeout(() => {
        asked = true
        look()
      }, graceMs)
      const patience = setTimeout(settle, patienceMs)
      await promise
      clearTimeout(grace)
      clearTimeout(patience)
    },
  }
}
