import type { FactCache } from '../ports/fact-cache.ts'
import type { FactSource } from '../ports/fact-source.ts'

/** Who measures; it must neither wait nor throw. */
export interface ReadObserver {
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
  /** A read has ended, in whatever way, after this time. */
  readonly onRead: (ms: number) => void
}

/** Measures the reads of a source, and changes nothing else about it. */
export function observeSource(source: FactSource, observer: ReadObserver): FactSource {
  return {
    read: (pair, signal) => measured(() => source.read(pair, signal), observer),
    readMany: (pairs, signal) => measured(() => source.readMany(pairs, signal), observer),
  }
}

/** Measures the look-ups of a cache and tells whether they found an entry of ours. */
export function observeCache<C extends FactCache>(
  cache: C,
  observer: ReadObserver & { readonly onAsked: (hit: boolean) => void },
): C {
  return {
    ...cache,
    get: (pair, signal) =>
      measured(
        () => cache.get(pair, signal),
        observer,
        (fact) => observer.onAsked(fact !== undefined),
      ),
  }
}

/** By `then`, not in an async function: the look-up of a first check goes through several of these. */
function measured<T>(
  read: () => Promise<T>,
  { monotonicNow, onRead }: ReadObserver,
  onAnswer?: (answer: T) => void,
): Promise<T> {
  const begunMs = monotonicNow()
  return read().then(
    (answer) => {
      onRead(monotonicNow() - begunMs)
      onAnswer?.(answer)
      return answer
    },
    (cause: unknown) => {
      onRead(monotonicNow() - begunMs)
      throw cause
    },
  )
}
