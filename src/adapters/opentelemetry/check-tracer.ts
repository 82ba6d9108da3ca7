import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
} from '@opentelemetry/api'
import { TraceState } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import type { AccessRequest } from '../../domain/request.ts'
import { readTraceParent } from '../../domain/trace-context.ts'
import type { CheckSpan, CheckTracer } from '../../ports/check-tracer.ts'
import type { TracingOptions } from './options.ts'
import { createSampler } from './sampler.ts'
import { decisionAttributes, requestAttributes, spanName } from './span-attributes.ts'
import { createSpanQueue, type SpanQueueDeps } from './span-queue.ts'

/** A tracer, and how to leave it. */
export interface OpenTelemetry extends CheckTracer {
  /** Finished spans that wait to be sent. */
  readonly waiting: () => number
  /** Sends what waits, for a moment at most. */
  readonly close: () => Promise<void>
}

/** How long the last spans may take to be sent at the end, in ms. */
const lastSpansMs = 2_000

/**
 * Traces checks to an OTLP collector over HTTP. Nothing waits for the collector: spans that it does
 * not take are counted, and dropped once the queue is full.
 */
export function createCheckTracer(
  options: TracingOptions,
  deps: Pick<SpanQueueDeps, 'onSpans' | 'onFault'>,
): OpenTelemetry {
  const queue = createSpanQueue({
    ...deps,
    exporter: new OTLPTraceExporter(),
    limits: options.queue,
  })
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(options.resource)),
    sampler: createSampler(options.sampler),
    spanProcessors: [queue],
  })
  const tracer = provider.getTracer('tenantgate')

  function begin(request: AccessRequest): CheckSpan | undefined {
    const span = tracer.startSpan(
      spanName,
      { kind: SpanKind.SERVER, attributes: requestAttributes(request) },
      contextOf(request),
    )
    if (!span.isRecording()) return undefined
    const { spanId, traceId } = span.spanContext()
    return {
      traceId,
      spanId,
      end(decision, decisionId) {
        try {
          span.setAttributes(decisionAttributes(decision, decisionId))
          // A refusal is an answer; only what could not be decided went wrong.
          if (decision.reason === 'unavailable') span.setStatus({ code: SpanStatusCode.ERROR })
          span.end()
        } catch (cause) {
          deps.onFault(cause)
        }
      },
    }
  }
  return {
    begin(request) {
      try {
        return begin(request)
      } catch (cause) {
        deps.onFault(cause)
        return undefined
      }
    },
    waiting: queue.waiting,
    async close() {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      const timer = setTimeout(() => resolve(undefined), lastSpansMs)
      await Promise.race([promise, provider.shutdown().catch(deps.onFault)])
      clearTimeout(timer)
    },
  }
}

/** The caller's trace, where the request names one. */
function contextOf(request: AccessRequest): Context {
  const parent = readTraceParent(request.header('traceparent'))
  if (parent === undefined) return ROOT_CONTEXT
  const state = request.header('tracestate')
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: parent.traceId,
    spanId: parent.spanId,
    traceFlags: parent.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(state !== undefined && { traceState: new TraceState(state) }),
  })
}
