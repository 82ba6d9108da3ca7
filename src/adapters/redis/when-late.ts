/** Calls back, once, if the work has not settled within so many ms. */
export function whenLate(work: Promise<unknown>, ms: number, onLate: () => void): void {
  let settled = false
  const timer = setTimeout(() => {
    // Where the process itself stood still, the answer may be there unread: timers come first.
    setImmediate(() => {
      if (!settled) onLate()
    })
  }, ms)
  const settle = (): void => {
    settled = true
    clearTimeout(timer)
  }
  work.then(settle, settle)
}
