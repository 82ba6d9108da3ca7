import { fileURLToPath } from 'node:url'
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServiceDefinition,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

/** Allows everything, on @grpc/grpc-js and proto-loader: the usual stack of Node, doing nothing. */
const definitions = loadSync('envoy/service/auth/v3/external_auth.proto', {
  includeDirs: [fileURLToPath(new URL('../../protos', import.meta.url))],
})
const answer = {
  status: { code: 0 },
  okResponse: {
    headers: [
      { header: { key: 'x-user-id', value: '0123456789abcdef0123456789abcdef' } },
      { header: { key: 'x-org-role', value: 'staff' } },
    ],
  },
}
const server = new Server()
server.addService(definitions['envoy.service.auth.v3.Authorization'] as ServiceDefinition, {
  Check: (_call: unknown, callback: sendUnaryData<typeof answer>) => callback(null, answer),
})
const address = process.argv[2] ?? '127.0.0.1:9110'
server.bindAsync(address, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error
})
