import { onTestFinished } from 'vitest'

/**
 * Watches how much of the processor this thread takes between two turns of its loop: what stands in
 * the way of checks, without what other processes of the machine take.
 */
export function watchBusyTurns(): { readonly longestMs: () => number } {
  let longestMs = 0
  let last = process.threadCpuUsage()
  const timer = setInterval(() => {
    const { system, user } = process.threadCpuUsage(last)
    last = process.threadCpuUsage()
    longestMs = Math.max(longestMs, (system + user) / 1_000)
  }, 1)
  onTestFinished(() => clearInterval(timer))
  return { longestMs: () => longestMs }
}
