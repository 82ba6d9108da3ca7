import type { TracingOptions } from './adapters/opentelemetry/options.ts'
import type { Metrics } from './adapters/prometheus/metrics.ts'
import { messageOf } from './application/faults.ts'
import type { CheckTracer } from './ports/check-tracer.ts'
import type { ServiceLog } from './service.ts'
import { version } from './version.ts'

/** What tracing is put together from. */
export interface TracingComposition {
  /** undefined: checks are not traced. */
  readonly tracing: TracingOptions | undefined
  readonly metrics: Pick<Metrics, 'spans' | 'watchSpans'>
  readonly log: ServiceLog
  readonly onFault: (kind: string) => (cause: unknown) => void
  readonly closers: (() => void | Promise<void>)[]
}

/** Begins to trace checks where it is asked for; only then are OpenTelemetry's packages loaded. */
export async function composeTracing(
  composition: TracingComposition,
): Promise<CheckTracer | undefined> {
  const { closers, log, metrics, onFault, tracing } = composition
  if (tracing === undefined) return undefined
  try {
    const { createCheckTracer } = await import('./adapters/opentelemetry/check-tracer.ts')
    const resource = { 'service.version': version, ...tracing.resource }
    const tracer = createCheckTracer(
      { ...tracing, resource },
      {
        onSpans: metrics.spans,
        onFault: onFault('traces'),
      },
    )
    closers.push(tracer.close)
    metrics.watchSpans(tracer.waiting)
    log.info({ service: tracing.resource['service.name'] }, 'checks are traced')
    return tracer
  } catch (cause) {
    log.warn({ cause: messageOf(cause) }, 'checks are not traced')
    return undefined
  }
}
