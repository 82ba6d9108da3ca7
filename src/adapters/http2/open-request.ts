import type { Connection } from './connection.ts'
import { endRequest } from './end-request.ts'
import type { Frame } from './frame.ts'
import type { RequestHead } from './hpack-request-head.ts'
import { errorCode, frameFlag } from './protocol.ts'
import { refusals, rejections, withoutBody } from './status.ts'
import { Stream } from './stream.ts'

/** Opens the stream of a request whose head has just been decoded. */
export function openRequest(connection: Connection, frame: Frame, isTooLarge: boolean): void {
  const { head, limits, shared } = connection
  const ends = (frame.flags & frameFlag.endStream) !== 0
  if (ends && head.contentLength > 0) {
    connection.resetForFault(frame.streamId, errorCode.protocolError) // RFC 9113 section 8.1.1
    return
  }
  const stream = new Stream(
    connection,
    frame.streamId,
    head.timeoutMs,
    limits.streamWindowBytes,
    shared.clock.nowMs,
  )
  stream.promisedBytes = head.contentLength
  stream.isEncoded = head.encoding !== '' && head.encoding !== 'identity'
  stream.hasEnded = ends
  connection.streams.add(stream)
  assign(connection, stream, head)
  // Who refused for the size of its head would answer with an error, which a gateway may let pass.
  if (isTooLarge) stream.isOverlong = true
  if (!ends || stream.isAnswered) return
  frame.start = frame.end
  endRequest(connection, stream, frame)
}

/** Says who takes the request, or how it is turned away (gRPC over HTTP/2, "Requests"). */
function assign({ shared }: Connection, stream: Stream, head: RequestHead): void {
  if (head.method !== 'POST') {
    const { notPost } = rejections
    stream.rejection = head.method === 'HEAD' ? withoutBody(notPost) : notPost
  } else if (!head.contentTypeIsGrpc) stream.rejection = rejections.notGrpc
  else {
    const handler = shared.methods.get(head.path)
    // At once: who streams to a method that does not exist may wait for the answer before the end.
    if (handler === undefined) stream.refuse(refusals.unknownMethod)
    else if (Number.isNaN(head.timeoutMs)) stream.refuse(refusals.badTimeout)
    else stream.handler = handler
  }
}
