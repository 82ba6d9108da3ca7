/** Where an upstream is. */
export interface UpstreamAddress {
  readonly tls: boolean
  /** A name, or an IP address without brackets. */
  readonly host: string
  readonly port: number
  /** An IP address has no SNI, and is another kind of subject in a certificate. */
  readonly ip: 4 | 6 | undefined
}

const hostName = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/
const ipv4 = /^\d{1,3}(\.\d{1,3}){3}$/

/** Reads an `http(s)://host[:port]` of a policy, or says why no gateway could connect to it. */
export function readUpstreamAddress(
  text: string,
): UpstreamAddress | { readonly why: string; readonly address?: undefined } {
  const url = URL.parse(text)
  if (url === null) return { why: `"${text}" is no address: write http://leave:8080` }
  if (url.username !== '' || url.password !== '') {
    // Not repeated: it may hold a password.
    return { why: 'an upstream is reached without user and password: leave them out' }
  }
  if (url.port === '0') return { why: `"${text}" has port 0, to which nobody can connect` }
  const tls = url.protocol === 'https:'
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port)
  const host = url.hostname
  if (host.startsWith('[')) return { tls, host: host.slice(1, -1), port, ip: 6 }
  const plain = host.endsWith('.') ? host.slice(0, -1) : host
  if (!hostName.test(plain)) return { why: `"${text}" names no host: write http://leave:8080` }
  return { tls, host: plain, port, ip: ipv4.test(plain) ? 4 : undefined }
}
