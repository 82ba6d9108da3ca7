import type { EndSignal } from '../ports/end-signal.ts'

/**
 * Settles with the work, or as `onAbort` tells once the signal aborts, whichever comes first: a part
 * that ignores its signal must not keep anybody waiting. By hand, as `Promise.race` costs more than
 * most of what is waited for.
 */
export function unlessAborted<T>(
  work: Promise<T>,
  signal: EndSignal,
  onAbort: () => T,
): Promise<T> {
  const { promise, reject, resolve } = Promise.withResolvers<T>()
  const abort = (): void => {
    try {
      resolve(onAbort())
    } catch (cause) {
      reject(cause)
    }
  }
  work.then(
    (value) => {
      signal.removeEventListener('abort', abort)
      resolve(value)
    },
    (cause: unknown) => {
      signal.removeEventListener('abort', abort)
      reject(cause)
    },
  )
  // After work that is done already.
  if (signal.aborted) queueMicrotask(abort)
  else signal.addEventListener('abort', abort, { once: true })
  return promise
}
