import { readEndpoint, type Endpoint } from '../adapters/envoy/render-address.ts'
import type { ClientTls } from '../adapters/envoy/render-clusters.ts'
import { mostWorkers } from '../config-workers.ts'
import { UsageError } from './exit.ts'

/** Reads an address of the command line; throws `UsageError` where it is none. */
export function endpointOf(option: string, text: string): Endpoint {
  const endpoint = readEndpoint(text)
  if (endpoint !== undefined) return endpoint
  throw new UsageError(`${option} is host:port or unix:/path.sock, not "${text}"`)
}

type Environment = Readonly<Record<string, string | undefined>>

/** Where the workers listen of a tenantgate with this environment, as an Envoy beside it sees them. */
export function workerEndpoints(env: Environment): readonly Endpoint[] {
  const stated = env['TENANTGATE_WORKERS']?.trim() ?? ''
  const workers = stated === '' ? 1 : Number(stated)
  if (!Number.isInteger(workers) || workers < 1 || workers > mostWorkers) {
    throw new UsageError(
      `TENANTGATE_WORKERS: "${stated}" is not a whole number from 1 to ${mostWorkers}`,
    )
  }
  const listen = env['TENANTGATE_GRPC_LISTEN']?.trim() ?? ''
  const first = endpointOf('TENANTGATE_GRPC_LISTEN', listen === '' ? '0.0.0.0:9191' : listen)
  return Array.from({ length: workers }, (_, index) => {
    if ('path' in first) return index === 0 ? first : { path: `${first.path}.${index}` }
    const everywhere = first.host === '0.0.0.0' || first.host === '::'
    return { host: everywhere ? '127.0.0.1' : first.host, port: first.port + index }
  })
}

/** How workers that speak TLS are known; undefined where they speak plain text. */
export function authzTls(
  one: (name: string) => string | undefined,
  env: Environment,
): ClientTls | undefined {
  const [ca, cert, key] = [one('authz-ca'), one('authz-cert'), one('authz-key')]
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--authz-cert and --authz-key go together')
  }
  if (ca !== undefined) {
    return { ca, own: cert === undefined || key === undefined ? undefined : { cert, key } }
  }
  if (cert !== undefined) throw new UsageError('--authz-cert needs --authz-ca')
  if (one('authz') === undefined && (env['TENANTGATE_GRPC_TLS_CERT'] ?? '') !== '') {
    throw new UsageError(
      'TENANTGATE_GRPC_TLS_CERT is set: name what Envoy trusts by --authz-ca FILE',
    )
  }
  return undefined
}

/** Refuses addresses that no Envoy could use together. */
export function checkAuthz(endpoints: readonly Endpoint[]): void {
  const sockets = endpoints.filter((one) => 'path' in one).length
  if (sockets > 0 && sockets < endpoints.length) {
    throw new UsageError('--authz names either hosts or socket files: one cluster cannot have both')
  }
  for (const one of endpoints) {
    if ('port' in one && (one.port === 0 || one.port > 65_535)) {
      throw new UsageError(`--authz: nobody can connect to port ${one.port}`)
    }
  }
}
