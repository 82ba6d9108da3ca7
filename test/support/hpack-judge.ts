import type { RequestHead } from '../../src/adapters/http2/hpack-request-head.ts'
import type { HeaderField } from './hpack-reference.ts'

const known = [':method', ':path', ':scheme', ':authority']
const connection = ['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']
const units: Record<string, number> = { H: 3.6e6, M: 6e4, S: 1e3, m: 1, u: 1e-3, n: 1e-6 }

function badField([name, value]: HeaderField): boolean {
  if (!/^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) return true
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value) || /^[ \t]|[ \t]$/.test(value)) return true
  if (name.startsWith(':') && !known.includes(name)) return true
  if (name === 'te' && value.toLowerCase() !== 'trailers') return true
  if (name === 'content-length' && !/^\d{1,15}$/.test(value)) return true
  if ([':method', ':scheme', ':path'].includes(name) && value === '') return true
  if (name === ':path' && !value.startsWith('/') && value !== '*') return true
  return connection.includes(name)
}

function timeout(values: readonly string[]): number {
  const [value] = values
  if (value === undefined) return Infinity
  const match = /^(\d{1,8})([HMSmun])$/.exec(value)
  return match === null || values.length > 1
    ? Number.NaN
    : Number(match[1]) * (units[match[2] ?? ''] ?? Number.NaN)
}

/** What a list of fields means: RFC 9113 sections 8.2, 8.3 and 8.5, written down once more. */
export function judgeFields(fields: readonly HeaderField[]): RequestHead {
  const valuesOf = (wanted: string): string[] =>
    fields.flatMap(([name, value]) => (name === wanted ? [value] : []))
  const pseudo = fields.map(([name]) => name.startsWith(':'))
  const [method] = valuesOf(':method')
  const [path = ''] = valuesOf(':path')
  const has = (name: string): boolean => valuesOf(name).length > 0
  const complete =
    method === 'CONNECT'
      ? has(':authority') && !has(':path') && !has(':scheme')
      : method !== undefined && has(':path') && has(':scheme')
  const lengths = valuesOf('content-length')
  const fieldFault =
    fields.some(badField) ||
    known.some((name) => valuesOf(name).length > 1) ||
    (pseudo.includes(false) && pseudo.lastIndexOf(true) > pseudo.indexOf(false)) ||
    new Set(lengths.map(Number)).size > 1
  const types = valuesOf('content-type')
  return {
    method: method === 'POST' || method === 'HEAD' ? method : 'other',
    path,
    contentTypeIsGrpc:
      types.length > 0 && types.every((type) => /^application\/grpc([+; ]|$)/i.test(type)),
    teTrailers: valuesOf('te').length > 0,
    timeoutMs: timeout(valuesOf('grpc-timeout')),
    encoding: valuesOf('grpc-encoding').at(-1) ?? '',
    contentLength: lengths.length === 0 ? -1 : Number(lengths.at(-1)),
    malformed: fieldFault || !complete || (path === '*' && method !== 'OPTIONS'),
    malformedAsTrailers: fieldFault || pseudo.includes(true),
    listSize: fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0),
  }
}
