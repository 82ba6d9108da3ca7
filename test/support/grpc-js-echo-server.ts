import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js'
import type { UnaryCall, UnaryHandler } from '../../src/ports/unary-call.ts'
import { addHealthService } from '../../src/adapters/envoy/health.ts'
import { createEchoMethods, type EchoMethods } from './http2-echo-methods.ts'

type Call = ServerUnaryCall<Buffer, Buffer>

/** A unary handler as grpc-js wants it. */
function served(handler: UnaryHandler) {
  return (call: Call, callback: sendUnaryData<Buffer>): void => {
    const deadline = Number(call.getDeadline())
    const unary: UnaryCall = {
      timeoutMs: deadline - Date.now(),
      reply: (bytes, length) => callback(null, Buffer.from(bytes.subarray(0, length))),
      onCancelled: undefined,
    }
    call.on('cancelled', () => unary.onCancelled?.())
    handler(unary, call.request, 0, call.request.length)
  }
}

export interface GrpcJsEchoServer extends EchoMethods {
  readonly port: number
  readonly close: () => void
}

/** The methods of `test.Echo` on grpc-js, for comparison. */
export async function startGrpcJsEchoServer(maxMessageBytes: number): Promise<GrpcJsEchoServer> {
  const server = new Server({ 'grpc.max_receive_message_length': maxMessageBytes })
  const echo = createEchoMethods()
  addHealthService(server, ['', 'test.Echo']).setServing(true)
  const raw = (bytes: Buffer): Buffer => bytes
  const methods = [...echo.methods].map(([path, handler]) => ({ path, handler: served(handler) }))
  const definitions = methods.map(({ path }) => [
    path,
    {
      ...{ path, requestStream: false, responseStream: false },
      ...{ requestSerialize: raw, requestDeserialize: raw },
      ...{ responseSerialize: raw, responseDeserialize: raw },
    },
  ])
  server.addService(
    Object.fromEntries(definitions) as never,
    Object.fromEntries(methods.map(({ path, handler }) => [path, handler])),
  )
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error === null ? resolve(port) : reject(error),
  )
  return { ...echo, port: await promise, close: () => server.forceShutdown() }
}
