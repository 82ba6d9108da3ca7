import {
  status as codes,
  type sendUnaryData,
  type Server,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js'
import { service } from 'grpc-health-check'

interface HealthRequest {
  readonly service?: string
}
interface HealthResponse {
  readonly status: 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN'
}
type Watcher = ServerWritableStream<HealthRequest, HealthResponse>

/** What grpc.health.v1 answers for a fixed set of services, all of them alike. */
export interface Health {
  readonly setServing: (serving: boolean) => void
}

/**
 * Adds grpc.health.v1 to a server. The implementation of grpc-health-check keeps every name that
 * was ever watched; here only watchers of known services are kept, while they watch.
 */
export function addHealthService(server: Server, services: readonly string[]): Health {
  let status: HealthResponse['status'] = 'NOT_SERVING'
  const watchers = new Set<Watcher>()
  const isKnown = (name: string | undefined): boolean => services.includes(name ?? '')
  server.addService(service, {
    check(
      call: ServerUnaryCall<HealthRequest, HealthResponse>,
      callback: sendUnaryData<HealthResponse>,
    ) {
      if (isKnown(call.request.service)) callback(null, { status })
      else callback({ code: codes.NOT_FOUND, details: 'unknown service' })
    },
    watch(call: Watcher) {
      if (!isKnown(call.request.service)) {
        call.write({ status: 'SERVICE_UNKNOWN' })
        return
      }
      watchers.add(call)
      call.on('cancelled', () => watchers.delete(call))
      call.write({ status })
    },
    list(_call: unknown, callback: sendUnaryData<{ statuses: Record<string, HealthResponse> }>) {
      callback(null, { statuses: Object.fromEntries(services.map((name) => [name, { status }])) })
    },
  })
  return {
    setServing(serving) {
      status = serving ? 'SERVING' : 'NOT_SERVING'
      for (const watcher of watchers) watcher.write({ status })
    },
  }
}
