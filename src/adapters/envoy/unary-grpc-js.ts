import type { handleUnaryCall, MethodDefinition } from '@grpc/grpc-js'
import type { UnaryCall, UnaryHandler } from '../../ports/unary-call.ts'

/**
 * A method with its messages left as bytes: what cannot be decoded must end in a denial of ours, never
 * in the transport's error, which Envoy's `failure_mode_allow` would let through.
 */
export function rawMethod(path: string): MethodDefinition<Buffer, Buffer> {
  const asIs = (bytes: Buffer): Buffer => bytes
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  }
}

/** Serves a handler through grpc-js. `now`: the wall clock, in ms, by which grpc-js tells deadlines. */
export function unaryGrpcJs(
  handler: UnaryHandler,
  now: () => number,
): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const unary: UnaryCall = {
      timeoutMs: Number(call.getDeadline()) - now(),
      reply: (bytes, length) => callback(null, Buffer.from(bytes.subarray(0, length))),
      onCancelled: undefined,
    }
    handler(unary, call.request, 0, call.request.length)
    if (unary.onCancelled !== undefined) call.once('cancelled', unary.onCancelled)
  }
}
