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
    async get(pair, signal) {
      const fact = await measured(() => cache.get(pair, signal), observer)
      observer.onAsked(fact !== undefined)
      return fact
    },
  }
}

async function measured<T>(
  read: () => Promise<T>,
  { monotonicNow, onRead }: ReadObserver,
): Promise<T> {
  const begunMs = monotonicNow()
  try {
    return await read()
  } finally {
    onRead(monotonicNow() - begunMs)
  }
}
