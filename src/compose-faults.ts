import type { Metrics } from './adapters/prometheus/metrics.ts'
import { messageOf, throttled } from './application/faults.ts'
import type { ServiceLog } from './service.ts'

/** Makes who is told of faults of a kind: every one is counted, one a second of each is logged. */
export function composeFaults(deps: {
  readonly log: ServiceLog
  readonly metrics: Pick<Metrics, 'fault'>
  readonly monotonicNow: () => number
}): (kind: string) => (cause: unknown) => void {
  const { log, metrics, monotonicNow } = deps
  return (kind) => {
    const tell = throttled(
      (cause) => log.warn({ kind, cause: messageOf(cause) }, 'fault'),
      monotonicNow,
    )
    metrics.fault(kind, 0)
    return (cause) => {
      metrics.fault(kind)
      tell(cause)
    }
  }
}
