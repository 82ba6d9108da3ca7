import type { TlsFiles } from './adapters/envoy/certificates.ts'
import { tlsFault } from './adapters/envoy/certificates.ts'

/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Where a TCP listener listens. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** A duration as `150ms`, `5s` or `5m` in ms, or undefined where the text is none. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  const factor = unit === undefined ? undefined : units[unit]
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor
}

/** The entries of a comma-separated list. */
export function splitList(value: string): readonly string[] {
  return value
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

/** Told of a variable that cannot be used, and how to mend it. */
export type Fault = (variable: string, message: string) => void

/** `BETTER_AUTH_SECRETS` is Better Auth's own form, `2:new,1:old`: the highest version signs. */
export function readSecrets(env: Environment, fault: Fault): readonly string[] {
  const secrets: { readonly version: number; readonly secret: string }[] = []
  for (const entry of splitList(env['BETTER_AUTH_SECRETS'] ?? '')) {
    const [, version, secret] = /^(\d+):(.+)$/.exec(entry) ?? []
    if (version === undefined || secret === undefined) {
      fault('BETTER_AUTH_SECRETS', 'write VERSION:SECRET, several with commas: 2:new,1:old')
    } else secrets.push({ version: Number(version), secret })
  }
  secrets.sort((a, b) => b.version - a.version)
  const single = env['BETTER_AUTH_SECRET']
  const all = secrets.map(({ secret }) => secret)
  return single === undefined || single === '' ? all : [...new Set([...all, single])]
}

/** The files of a TLS listener; none of them: plain text. */
export function readTls(env: Environment, prefix: string, fault: Fault): TlsFiles | undefined {
  const mutual = prefix === 'TENANTGATE_GRPC_TLS'
  const cert = env[`${prefix}_CERT`] ?? ''
  const key = env[`${prefix}_KEY`] ?? ''
  const clientCa = (mutual ? env[`${prefix}_CLIENT_CA`] : undefined) ?? ''
  if (cert === '' && key === '' && clientCa === '') return undefined
  if (cert === '' || key === '') {
    const missing = cert === '' ? `${prefix}_CERT` : `${prefix}_KEY`
    fault(missing, 'TLS needs both a certificate and its key')
    return undefined
  }
  const files: TlsFiles = { cert, key, ...(clientCa !== '' && { clientCa }) }
  const why = tlsFault(files)
  if (why !== undefined) fault(`${prefix}_CERT`, `these files cannot serve TLS: ${why}`)
  return files
}

/** `host:port` or `unix:/path`. */
export function readGrpcListen(value: string, fault: Fault): string {
  if (/^unix:.+$/.test(value)) return value
  if (hostAndPort(value) === undefined) {
    fault('TENANTGATE_GRPC_LISTEN', `"${value}" is not host:port or unix:/path.sock`)
  }
  return value
}

/** `host:port`; an IPv6 address in brackets. */
export function readHttpListen(value: string, fault: Fault): ListenAddress {
  const listen = hostAndPort(value)
  if (listen === undefined) fault('TENANTGATE_HTTP_LISTEN', `"${value}" is not host:port`)
  return listen ?? { host: '', port: 0 }
}

function hostAndPort(value: string): ListenAddress | undefined {
  const [, host, port] = /^(\[[0-9A-Fa-f:.]+\]|[^:\s]+):(\d{1,5})$/.exec(value) ?? []
  if (host === undefined || Number(port) > 65_535) return undefined
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

const sizes: Readonly<Record<string, number>> = {
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}

/** A size as `512MB` or `1GiB` in bytes, or undefined where the text is none. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([kMG]B|[KMG]iB)$/.exec(text) ?? []
  const factor = unit === undefined ? undefined : sizes[unit]
  return factor === undefined ? undefined : Math.floor(Number(amount) * factor)
}

/** A number from 0 to 1; unset: 1. */
export function readShare(variable: string, env: Environment, fault: Fault): number {
  const value = env[variable]?.trim()
  if (value === undefined || value === '') return 1
  const share = Number(value)
  if (!(share >= 0 && share <= 1)) fault(variable, `"${value}" is not a number from 0 to 1`)
  return share
}
