import { connect } from 'node:net'

/** An HTTP/1.1 answer as it came over the wire. */
export interface RawResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a raw request says; headers are written as given, so that repeats and odd bytes are possible. */
export interface RawRequest {
  readonly method?: string
  readonly path: string
  readonly host?: string
  readonly headers?: readonly (readonly [string, string])[]
}

const timeoutMs = 10_000

/**
 * Sends a request byte for byte: no client library normalises its path or refuses its headers.
 * Status 0: the connection was closed without an answer.
 */
export function rawRequest(url: string, request: RawRequest): Promise<RawResponse> {
  const { hostname, port } = new URL(url)
  const { method = 'GET', path, host = 'api.example.com', headers = [] } = request
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${host}`, 'connection: close']
  for (const [name, value] of headers) lines.push(`${name}: ${value}`)
  if (method === 'POST') lines.push('content-length: 0')
  const { promise, resolve, reject } = Promise.withResolvers<RawResponse>()
  const chunks: Buffer[] = []
  const socket = connect({ host: hostname, port: Number(port), timeout: timeoutMs })
  socket.on('connect', () => socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')))
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('timeout', () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)))
  socket.on('error', reject)
  socket.on('close', () => resolve(parseResponse(Buffer.concat(chunks).toString('latin1'))))
  return promise
}

function parseResponse(text: string): RawResponse {
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...headerLines] = text.slice(0, end).split('\r\n')
  const headers = Object.fromEntries(
    headerLines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const raw = text.slice(end + 4)
  const body = headers['transfer-encoding'] === 'chunked' ? dechunk(raw) : raw
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body }
}

function dechunk(raw: string): string {
  let body = ''
  for (let at = 0; at < raw.length;) {
    const line = raw.indexOf('\r\n', at)
    const size = Number.parseInt(raw.slice(at, line), 16)
    if (!(size > 0)) break
    body += raw.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
  }
  return body
}

/** The reason of a denial by tenantgate; undefined where somebody else answered. */
export function reasonOf({ body }: RawResponse): string | undefined {
  return /"type":"urn:tenantgate:([a-z_]+)"/.exec(body)?.[1]
}

/** A bearer header for `rawRequest`. */
export const bearer = (token: string): readonly [string, string] => [
  'authorization',
  `Bearer ${token}`,
]
