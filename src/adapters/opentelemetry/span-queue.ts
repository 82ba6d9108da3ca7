import { ExportResultCode } from '@opentelemetry/core'
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace'
import type { TracingOptions } from './options.ts'

/** What became of finished spans. */
export type SpanOutcome = 'exported' | 'failed' | 'dropped'

/** What a queue of spans rests on. */
export interface SpanQueueDeps {
  readonly exporter: SpanExporter
  readonly limits: TracingOptions['queue']
  readonly onSpans: (outcome: SpanOutcome, count: number) => void
  /** Told why spans could not be sent. */
  readonly onFault: (cause: unknown) => void
}

/** Finished spans on their way out, and how many wait. */
export interface SpanQueue extends SpanProcessor {
  readonly waiting: () => number
}

/**
 * The library's batches behind a bound of our own: the library drops without telling, and what was
 * dropped has to be counted.
 */
export function createSpanQueue(deps: SpanQueueDeps): SpanQueue {
  const { exporter, limits, onFault, onSpans } = deps
  let waiting = 0
  const batches = new BatchSpanProcessor({
    exporter: {
      export(spans, done) {
        waiting -= spans.length
        exporter.export(spans, (result) => {
          const failed = result.code !== ExportResultCode.SUCCESS
          onSpans(failed ? 'failed' : 'exported', spans.length)
          if (failed) onFault(result.error ?? new Error('the collector took no spans'))
          // What failed is told already: the library would tell it again, to a logger of its own.
          done({ code: ExportResultCode.SUCCESS })
        })
      },
      shutdown: () => exporter.shutdown(),
    },
    maxQueueSize: limits.maxSpans,
    maxExportBatchSize: limits.maxBatch,
    scheduledDelayMillis: limits.delayMs,
    exportTimeoutMillis: limits.timeoutMs,
  })
  return {
    waiting: () => waiting,
    onStart: () => undefined,
    onEnd(span) {
      if (waiting >= limits.maxSpans) {
        onSpans('dropped', 1)
        return
      }
      waiting += 1
      batches.onEnd(span)
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  }
}
