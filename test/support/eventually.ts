import { setTimeout as pause } from 'node:timers/promises'

/** Asks until the answer is not undefined or false; what it threw last is the cause of giving up. */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  {
    withinMs = 5_000,
    everyMs = 10,
  }: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + withinMs
  let cause: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms`, { cause })
    await pause(everyMs)
  }
}

/** Does it over and over for a while: what has to hold all the time is asserted inside. */
export async function during(
  ms: number,
  assertHolds: () => void | Promise<void>,
  everyMs = 50,
): Promise<void> {
  const end = performance.now() + ms
  while (performance.now() < end) {
    await assertHolds()
    await pause(everyMs)
  }
}

/** How long a promise took to settle, in ms, and what came of it. */
export async function timed<T>(
  work: Promise<T>,
): Promise<{ readonly ms: number; readonly value?: T; readonly error?: unknown }> {
  const begin = performance.now()
  try {
    const value = await work
    return { ms: performance.now() - begin, value }
  } catch (error) {
    return { ms: performance.now() - begin, error }
  }
}
