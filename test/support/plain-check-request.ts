import type { AccessRequest } from '../../src/domain/request.ts'
import type { CheckRequest, HeaderValue } from './loaded-check.ts'

/**
 * The request that a CheckRequest describes, the plain way: by all that proto-loader makes of it. What is absent stays empty, and step 1 refuses it.
 * Only `context_extensions` are the operator's; `:path` and `:method` among the headers are not
 * read, since a gateway may filter them.
 */
export function fromCheckRequest(message: CheckRequest): AccessRequest {
  const http = message.attributes?.request?.http
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(http?.headers ?? {})) addHeader(headers, name, value)
  const own = new Set(headers.keys())
  for (const entry of http?.header_map?.headers ?? []) {
    const name = (entry.key ?? '').toLowerCase()
    const value = headerText(entry)
    // A peer that fills both encodings says each thing twice; saying two things is refused later.
    if (own.delete(name) && headers.get(name) === value) continue
    addHeader(headers, name, value)
  }
  return {
    method: http?.method ?? '',
    host: http?.host ?? '',
    path: http?.path ?? '',
    header: (name) => headers.get(name),
    extensions: new Map(Object.entries(message.attributes?.context_extensions ?? {})),
  }
}

/** Repeated headers are joined as Envoy joins them: with a comma. */
function addHeader(headers: Map<string, string>, key: string, value: string): void {
  const name = key.toLowerCase()
  const before = headers.get(name)
  headers.set(name, before === undefined ? value : `${before},${value}`)
}

/** With `encode_raw_headers` Envoy sends bytes; one character a byte keeps them distinct. */
function headerText({ value = '', raw_value: raw }: HeaderValue): string {
  if (raw === undefined || raw.length === 0) return value
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1')
  return value === '' || value === text ? text : `${value},${text}`
}
