/** Where a request stands in its caller's trace (W3C Trace Context). */
export interface TraceParent {
  /** 32 and 16 lower-case hex digits, not all of them 0. */
  readonly traceId: string
  readonly spanId: string
  /** Whether the caller keeps the trace. */
  readonly sampled: boolean
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const zeros = /^0+$/

/**
 * Reads a `traceparent` header (section 3.2); undefined where there is none that holds. A later
 * version may have more after the flags; version 00 may not, and ff is never one (section 4.3).
 */
export function readTraceParent(header: string | undefined): TraceParent | undefined {
  if (header === undefined) return undefined
  const [, version, traceId = '', spanId = '', flags = '', more] = form.exec(header) ?? []
  if (version === undefined || version === 'ff') return undefined
  if (version === '00' && more !== undefined) return undefined
  if (zeros.test(traceId) || zeros.test(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}
