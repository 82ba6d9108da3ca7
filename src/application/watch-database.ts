/** Follows whether the database answers, apart from any request. */
export interface DatabaseWatch {
  /** Asks for a look now: a read has just failed. */
  readonly look: () => void
  readonly close: () => void
}

/** How often the database is asked while it answers, and at most while it does not, in ms. */
const calmMs = 10_000
const firstRetryMs = 100
const maxRetryMs = 1_000

/** Probes the database: at once, then calmly while it answers, with back-off while it does not. */
export function watchDatabase(deps: {
  readonly probe: () => Promise<void>
  readonly onAnswer: () => void
  readonly onFailure: (cause: unknown) => void
  /** Told when it begins or ceases to answer. */
  readonly onChange: (answers: boolean, cause: unknown) => void
  readonly schedule: (task: () => void, afterMs: number) => { readonly cancel: () => void }
}): DatabaseWatch {
  let answers: boolean | undefined
  let probing = false
  let retryMs = firstRetryMs
  let next: { readonly cancel: () => void } | undefined
  let closed = false

  const isClosed = (): boolean => closed

  async function probe(): Promise<void> {
    if (probing || closed) return
    probing = true
    next?.cancel()
    let failure: unknown
    try {
      await deps.probe()
    } catch (cause) {
      failure = cause
    }
    probing = false
    if (isClosed()) return // meanwhile
    const answered = failure === undefined
    if (answered) deps.onAnswer()
    else deps.onFailure(failure)
    if (answered !== answers) deps.onChange(answered, failure)
    answers = answered
    retryMs = answered ? firstRetryMs : Math.min(retryMs * 2, maxRetryMs)
    next = deps.schedule(() => void probe(), answered ? calmMs : retryMs)
  }
  void probe()
  return {
    look() {
      // While it is known to be down the back-off decides, not the number of requests.
      if (answers === true) void probe()
    },
    close() {
      closed = true
      next?.cancel()
    },
  }
}
