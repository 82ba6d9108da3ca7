import { createRelayLog, type RelayLog } from './adapters/pino/relay-log.ts'
import { formatOf, tellLoss, type LogComposition } from './compose-log.ts'
import { isLogFile } from './config-log.ts'

/** What the log of several workers is put together from. */
export interface RelayLogComposition extends LogComposition {
  readonly onBroken: (broken: boolean) => void
}

/**
 * The decision log of all workers, where it is a file or standard output. Undefined: each publishes
 * its own, or none is kept.
 * @throws AppError `CONFIG_INVALID` where its file cannot be opened.
 */
export function composeRelayLog(composition: RelayLogComposition): RelayLog | undefined {
  const { config, log, metrics, now, onBroken, onFault, timestamp } = composition
  const { decisionLog: sink, decisionLogKeep: keep, decisionLogMaxBytes: maxBytes } = config
  if (sink !== 'stdout' && !isLogFile(sink)) return undefined
  let droppedBefore = 0
  let dropped = 0
  return createRelayLog({
    ...{ sink, keep, maxBytes },
    format: formatOf(config),
    now: () => timestamp(now()),
    onDropped(lines) {
      dropped += lines
      for (let line = 0; line < lines; line += 1) metrics.logDropped()
    },
    onBroken(broken) {
      tellLoss(broken ? 'begun' : { lines: dropped - droppedBefore }, config, log)
      droppedBefore = dropped
      onBroken(broken)
    },
    onFault: onFault('decision_log'),
  })
}
