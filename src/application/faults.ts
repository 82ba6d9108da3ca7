/** What an error says, in words. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/** Lets one fault a second through: an outage under load must not become a flood of lines. */
export function throttled(
  report: (cause: unknown) => void,
  monotonicNow: () => number,
): (cause: unknown) => void {
  let reportedAtMs = -Infinity
  return (cause) => {
    if (monotonicNow() - reportedAtMs < 1_000) return
    reportedAtMs = monotonicNow()
    report(cause)
  }
}
