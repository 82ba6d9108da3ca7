/**
 * Settles with the work, or as `onAbort` tells once the signal aborts, whichever comes first: a part
 * that ignores its signal must not keep anybody waiting.
 */
export async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  onAbort: () => T,
): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const abort = (): void => resolve(undefined)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise.then(onAbort)])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
