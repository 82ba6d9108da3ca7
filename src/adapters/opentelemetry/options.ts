/** Which traces are kept, as `OTEL_TRACES_SAMPLER` names it. */
export interface SamplerOptions {
  readonly kind: 'always_on' | 'always_off' | 'traceidratio'
  /** What the caller has decided holds; `kind` decides of requests that come without a trace. */
  readonly parentBased: boolean
  /** The share of traces that `traceidratio` keeps, 0 to 1. */
  readonly ratio: number
}

/**
 * How checks are traced. Where spans are sent, and with what headers, certificates, compression and
 * time-out, the exporter reads from `OTEL_EXPORTER_OTLP_*` itself.
 */
export interface TracingOptions {
  readonly sampler: SamplerOptions
  /** `service.name` and whatever else `OTEL_RESOURCE_ATTRIBUTES` says. */
  readonly resource: Readonly<Record<string, string>>
  /** Finished spans that may wait, and how they leave (`OTEL_BSP_*`). */
  readonly queue: {
    readonly maxSpans: number
    readonly maxBatch: number
    readonly delayMs: number
    readonly timeoutMs: number
  }
}
