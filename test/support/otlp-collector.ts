import { fileURLToPath } from 'node:url'
import type { IncomingHttpHeaders } from 'node:http'
import { gunzipSync } from 'node:zlib'
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { startHttpServer } from './http-server.ts'

/** A span as a tracing system would understand it. */
export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty: the span begins its trace. */
  readonly parentSpanId: string
  readonly traceState: string
  readonly name: string
  /** 1 INTERNAL, 2 SERVER. */
  readonly kind: number
  readonly durationMs: number
  readonly attributes: Readonly<Record<string, string>>
  /** 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message: string }
  readonly resource: Readonly<Record<string, string>>
}

/** Takes OTLP over HTTP, as a collector does. */
export interface OtlpCollector {
  readonly url: string
  readonly spans: () => readonly CollectedSpan[]
  /** All that came, as text: for what must not be in it. */
  readonly bytes: () => string
  readonly headers: () => readonly IncomingHttpHeaders[]
  /** How requests are answered from now on; `never`: they are not. */
  readonly answer: (status: number | 'never') => void
  readonly close: () => Promise<void>
}

interface KeyValue {
  readonly key: string
  readonly value: { readonly string_value: string }
}
interface WireSpan {
  readonly trace_id: Buffer
  readonly span_id: Buffer
  readonly parent_span_id: Buffer
  readonly trace_state: string
  readonly name: string
  readonly kind: number
  readonly start_time_unix_nano: string
  readonly end_time_unix_nano: string
  readonly attributes: readonly KeyValue[]
  readonly status: { readonly code: number; readonly message: string } | null
}
interface WireRequest {
  readonly resource_spans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] }
    readonly scope_spans: readonly { readonly spans: readonly WireSpan[] }[]
  }[]
}

const file = fileURLToPath(new URL('otlp-trace.proto', import.meta.url))
const service = loadSync(file, { keepCase: true, longs: String, defaults: true })[
  'otlp.TraceService'
] as ServiceDefinition
const read = (service['Export'] as MethodDefinition<WireRequest, object>).requestDeserialize

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = []
  const headers: IncomingHttpHeaders[] = []
  let bytes = ''
  let status: number | 'never' = 200
  const server = await startHttpServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      headers.push(request.headers)
      const whole = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole
      bytes += body.toString('latin1')
      if (status === 'never') return
      if (status === 200 && request.url === '/v1/traces') spans.push(...spansOf(read(body)))
      response.writeHead(request.url === '/v1/traces' ? status : 404).end()
    })
  })
  return {
    url: server.url,
    spans: () => spans,
    bytes: () => bytes,
    headers: () => headers,
    answer: (next) => void (status = next),
    close: server.close,
  }
}

function spansOf(request: WireRequest): readonly CollectedSpan[] {
  return request.resource_spans.flatMap(({ resource, scope_spans: scopes }) =>
    scopes
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        traceId: span.trace_id.toString('hex'),
        spanId: span.span_id.toString('hex'),
        parentSpanId: span.parent_span_id.toString('hex'),
        traceState: span.trace_state,
        name: span.name,
        kind: span.kind,
        durationMs:
          Number(BigInt(span.end_time_unix_nano) - BigInt(span.start_time_unix_nano)) / 1e6,
        attributes: attributesOf(span.attributes),
        status: { code: span.status?.code ?? 0, message: span.status?.message ?? '' },
        resource: attributesOf(resource.attributes),
      })),
  )
}

function attributesOf(list: readonly KeyValue[]): Readonly<Record<string, string>> {
  return Object.fromEntries(list.map(({ key, value }) => [key, value.string_value]))
}
