/** What an error says, in words. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/**
 * The same for whoever asks without a token: where a network error stands, its code alone, since the
 * words around it name hosts.
 */
export function publicMessageOf(cause: unknown): string {
  const message = messageOf(cause)
  const code = /\b(?:E[A-Z]{4,}|[A-Z_]*_CERT_[A-Z_]+)\b/.exec(message)?.[0]
  return code === undefined ? message : `cannot be reached (${code})`
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
