import { resolve } from 'node:path'
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall } from '@grpc/grpc-js'
import { load } from '@grpc/proto-loader'

const PROTOS = resolve(import.meta.dirname, '../../../protos')
const SERVICE = 'envoy/service/auth/v3/external_auth.proto'

/** As much of a CheckRequest as these tests look at. */
export interface Check {
  readonly attributes: {
    readonly request: { readonly http: { readonly path: string; readonly host: string } }
    readonly contextExtensions: Readonly<Record<string, string>>
  }
}

/** An ext_authz server that answers as it is told and has no health service. */
export async function startFakeAuthz(answer: (check: Check) => object) {
  const definition = await load(SERVICE, { includeDirs: [PROTOS] })
  const service = definition['envoy.service.auth.v3.Authorization']
  if (service === undefined || 'format' in service) throw new Error('no such service')
  const server = new Server()
  server.addService(service, {
    Check: (call: ServerUnaryCall<Check, object>, reply: sendUnaryData<object>) =>
      reply(null, answer(call.request)),
  })
  const port = await new Promise<number>((done, fail) => {
    const credentials = ServerCredentials.createInsecure()
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
      error ? fail(error) : done(bound),
    )
  })
  return { address: `127.0.0.1:${port}`, close: () => server.forceShutdown() }
}
