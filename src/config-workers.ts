import type { Environment, Fault, ListenAddress } from './config-values.ts'

/** How many processes answer checks, and by which transport. */
export interface WorkersConfig {
  /** Processes that answer checks; 1: this one, and no other. */
  readonly workers: number
  readonly grpcTransport: GrpcTransport
}

/** What speaks gRPC. */
export type GrpcTransport = 'grpc-js' | 'lean'

/** Processes at most: each has connections of its own to everything. */
export const mostWorkers = 64
const mostPort = 65_535
const everywhere = ['0.0.0.0', '::']
const variable = 'TENANTGATE_WORKERS'

/** Reads the variables of workers and transport. */
export function readWorkers(
  env: Environment,
  listen: { readonly grpc: string; readonly http: ListenAddress },
  fault: Fault,
): WorkersConfig {
  const workers = readCount(env[variable]?.trim() ?? '', fault)
  checkPorts(workers, listen, fault)
  const transport = env['TENANTGATE_GRPC_TRANSPORT']?.trim() ?? ''
  if (!['', 'lean', 'grpc-js'].includes(transport)) {
    fault('TENANTGATE_GRPC_TRANSPORT', `"${transport}" is neither lean nor grpc-js`)
  }
  return { workers, grpcTransport: transport === 'grpc-js' ? 'grpc-js' : 'lean' }
}

/** Where a worker listens: the first on the address itself, the others beside it. */
export function workerListen(grpcListen: string, index: number): string {
  if (index === 0) return grpcListen
  if (grpcListen.startsWith('unix:')) return `${grpcListen}.${index}`
  const { host, port } = partsOf(grpcListen)
  // Port 0 is any that is free, for each of them.
  return `${host}:${port === 0 ? 0 : port + index}`
}

function readCount(value: string, fault: Fault): number {
  if (value === '') return 1
  const count = /^\d{1,4}$/.test(value) ? Number(value) : 0
  if (count >= 1 && count <= mostWorkers) return count
  fault(variable, `"${value}" is not a whole number from 1 to ${mostWorkers}`)
  return 1
}

/** Each worker has a port of its own, which nothing else of the service may have. */
function checkPorts(
  workers: number,
  listen: { readonly grpc: string; readonly http: ListenAddress },
  fault: Fault,
): void {
  if (workers === 1 || listen.grpc.startsWith('unix:')) return
  const { host, port } = partsOf(listen.grpc)
  if (!(port > 0)) return
  const last = port + workers - 1
  if (last > mostPort) fault(variable, `worker ${workers - 1} would listen on port ${last}`)
  const { http } = listen
  const meets =
    bare(host) === http.host || everywhere.includes(bare(host)) || everywhere.includes(http.host)
  if (meets && http.port > port && http.port <= last) {
    fault(
      variable,
      `worker ${http.port - port} would listen on the port of TENANTGATE_HTTP_LISTEN, ${http.port}`,
    )
  }
}

function partsOf(listen: string): { readonly host: string; readonly port: number } {
  const colon = listen.lastIndexOf(':')
  return { host: listen.slice(0, colon), port: Number(listen.slice(colon + 1)) }
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, '')
