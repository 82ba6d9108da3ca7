import type { EndSignal } from '../ports/end-signal.ts'

/** Those who wait for a turn: admitted in their order, or the newest first once that is too slow. */
export interface WaitingLine {
  /**
   * Tells, once, that it is admitted (true), or that its signal aborted before (false). What is told must
   * not throw.
   */
  readonly join: (signal: EndSignal, settle: (isAdmitted: boolean) => void) => void
  /** Admits the next, and has told it so when it returns; false: nobody waits. */
  readonly admitNext: () => boolean
  readonly waiting: () => number
}

/** How a line behaves. */
export interface WaitingLineOptions {
  /** How long the first may have waited for the others to be admitted in order, in ms. */
  readonly patienceMs: number
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
}

interface Waiting {
  readonly sinceMs: number
  readonly signal: EndSignal
  readonly settle: (isAdmitted: boolean) => void
  readonly giveUp: () => void
  /** Who gave up stays in the list until it comes to an end of it or the list is cleared. */
  state: 'waits' | 'admitted' | 'gone'
}

/** Entries of those who gave up that are kept before the list is cleared of them. */
const maxGone = 256

/** Makes a line in which nobody waits. */
export function createWaitingLine({ monotonicNow, patienceMs }: WaitingLineOptions): WaitingLine {
  let entries: Waiting[] = []
  /** Those before it were admitted. */
  let first = 0
  let present = 0

  function oldest(): Waiting | undefined {
    while (entries[first]?.state === 'gone') first += 1
    const entry = entries[first]
    if (entry === undefined && entries.length > 0) {
      entries = []
      first = 0
    }
    return entry
  }

  const isLate = ({ sinceMs }: Waiting): boolean => monotonicNow() - sinceMs > patienceMs

  function next(): Waiting | undefined {
    const entry = oldest()
    if (entry === undefined) return undefined
    if (!isLate(entry)) {
      first += 1
      return entry
    }
    let newest = entries.pop()
    while (newest?.state === 'gone') newest = entries.pop()
    return newest
  }

  /** Drops who no longer waits from the list, once they are the most of it. */
  function clear(): void {
    if (entries.length <= 2 * present + maxGone) return
    entries = entries.slice(first).filter(({ state }) => state === 'waits')
    first = 0
  }

  return {
    join(signal, settle) {
      if (signal.aborted) {
        settle(false)
        return
      }
      const giveUp = (): void => {
        if (entry.state !== 'waits') return
        entry.state = 'gone'
        present -= 1
        settle(false)
      }
      const entry: Waiting = { sinceMs: monotonicNow(), signal, settle, giveUp, state: 'waits' }
      clear()
      entries.push(entry)
      present += 1
      signal.addEventListener('abort', giveUp, { once: true })
    },
    admitNext() {
      const entry = next()
      if (entry === undefined) return false
      present -= 1
      entry.state = 'admitted'
      entry.signal.removeEventListener('abort', entry.giveUp)
      entry.settle(true)
      return true
    },
    waiting: () => present,
  }
}
