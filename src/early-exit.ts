import { constants } from 'node:os'
import process from 'node:process'

/**
 * Ends the process on a signal for as long as no command has taken it over. The kernel gives process
 * 1 no default action (pid_namespaces(7)): in a container, a SIGTERM that comes while the service
 * still loads would be lost, and the container killed at the end of its grace period.
 */
export function exitOnEarlySignals(signals: readonly NodeJS.Signals[]): void {
  for (const signal of signals) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal])
    })
  }
}
