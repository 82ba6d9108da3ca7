import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { createDecisionLog, noDecisionLog } from './adapters/pino/decision-log.ts'
import type { Metrics } from './adapters/prometheus/metrics.ts'
import type { Config } from './config.ts'
import { natsSubjectOf } from './config-log.ts'
import { opaLines, plainLines, type LineFormat } from './domain/decision-line.ts'
import type { DecisionLogSink } from './ports/decision-log.ts'
import type { ServiceLog } from './service.ts'
import { version } from './version.ts'

/** What the decision log is put together from. */
export interface LogComposition {
  readonly config: Config
  readonly metrics: Pick<Metrics, 'logDropped'>
  readonly log: ServiceLog
  readonly onFault: (kind: string) => (cause: unknown) => void
  readonly timestamp: (ms: number) => string
  readonly now: () => number
}

/**
 * The decision log as it is configured; one that is off keeps nothing.
 * @throws AppError `CONFIG_INVALID` where its file cannot be opened.
 */
export async function composeLog(composition: LogComposition): Promise<DecisionLogSink> {
  const { config, log, metrics, now, onFault, timestamp } = composition
  const { decisionLog: sink } = config
  if (sink === 'off') return noDecisionLog
  const common = {
    format: formatOf(config),
    now: () => timestamp(now()),
    onDropped: metrics.logDropped,
    onLoss: (loss: 'begun' | { readonly lines: number }) => tellLoss(loss, config, log),
    onFault: onFault('decision_log'),
  }
  const subject = natsSubjectOf(sink)
  if (subject === undefined) {
    const { decisionLogKeep: keep, decisionLogMaxBytes: maxBytes } = config
    return createDecisionLog({ ...common, sink, keep, maxBytes })
  }
  const { createNatsDecisionLog } = await import('./adapters/nats/decision-log.ts')
  return createNatsDecisionLog({
    ...common,
    subject,
    url: config.natsUrl ?? '', // its absence is a fault of the configuration
    required: config.logRequired,
    newId: randomUUIDv7,
    random: Math.random,
  })
}

/** How the lines are written. */
export function formatOf({ decisionLogFormat }: Config): LineFormat {
  if (decisionLogFormat === 'tenantgate') return plainLines
  return opaLines({ app: 'tenantgate', id: randomUUID(), version })
}

/** Says in the service's log that lines are lost, and that they are not any more. */
export function tellLoss(
  loss: 'begun' | { readonly lines: number },
  { decisionLog, logRequired }: Config,
  log: ServiceLog,
): void {
  const fields = { log: decisionLog, required: logRequired }
  if (loss === 'begun') log.error(fields, 'decisions are not logged: their lines are lost')
  else log.warn({ ...fields, lost: loss.lines }, 'decisions are logged again')
}
