import { setTimeout as sleep } from 'node:timers/promises'

const everyMs = 20

/** Waits until `probe` gives something other than undefined or false; rejects at the deadline. */
export async function until<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { what, withinMs = 10_000 }: { readonly what: string; readonly withinMs?: number },
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`)
    await sleep(everyMs)
  }
}
