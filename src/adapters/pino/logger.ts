import { pino, type Logger } from 'pino'

/** Bytes that may wait for standard error; beyond it lines are lost, never waited for. */
const maxQueuedBytes = 1024 * 1024
/** How long the last lines may take to be written, in ms. */
const lastLinesMs = 500

/** The service's own log. */
export interface ServiceLogger {
  readonly log: Logger
  /** Writes what is left, for a bounded time. */
  readonly close: () => Promise<void>
}

/**
 * One JSON line an event, on standard error, since standard output may carry the decision log.
 * Nothing waits for who reads it. Secrets are never given to it; what could hold one is redacted.
 */
export function createLogger(level: string): ServiceLogger {
  const destination = pino.destination({ fd: 2, sync: false, maxLength: maxQueuedBytes })
  destination.on('error', () => undefined) // there is nowhere left to say so
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: ['*.authorization', '*.cookie', '*.password', '*.secret', '*.connectionString'],
    },
    destination,
  )
  return {
    log,
    async close() {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      const timer = setTimeout(() => resolve(undefined), lastLinesMs)
      destination.once('close', () => resolve(undefined))
      destination.end()
      await promise
      clearTimeout(timer)
      // Else pino would try once more at the exit, for as long as it takes.
      destination.destroy()
    },
  }
}
