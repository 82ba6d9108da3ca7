import type { Connection } from './connection.ts'
import type { Frame } from './frame.ts'
import { readUint31 } from './octets.ts'
import { errorCode, frameFlag } from './protocol.ts'
import { openRequest } from './open-request.ts'
import { endGathered } from './on-data.ts'

const { protocolError, frameSizeError, compressionError, enhanceYourCalm, streamClosed } = errorCode

/** HEADERS (RFC 9113 section 6.2). */
export function onHeaders(connection: Connection, frame: Frame): void {
  const { flags, streamId } = frame
  // Clients open streams with odd ids (section 5.1.1); 0 is the connection.
  if (streamId % 2 === 0) {
    connection.fail(protocolError, 'HEADERS on an even stream')
    return
  }
  if (!frame.unpad()) {
    connection.fail(protocolError, 'more padding than payload')
    return
  }
  let dependsOnItself = false
  if ((flags & frameFlag.priority) !== 0) {
    if (frame.end - frame.start < 5) {
      connection.fail(frameSizeError, 'HEADERS without its priority')
      return
    }
    dependsOnItself = readUint31(frame.bytes, frame.start) === streamId
    frame.start += 5
  }
  if ((flags & frameFlag.endHeaders) !== 0) onBlock(connection, frame, dependsOnItself)
  else if (!connection.block.begin(frame, dependsOnItself, connection.shared.clock.nowMs)) {
    connection.fail(enhanceYourCalm, 'the header block is too large')
  }
}

/** CONTINUATION (section 6.10). */
export function onContinuation(connection: Connection, frame: Frame): void {
  const { block } = connection
  if (block.streamId === 0) {
    connection.fail(protocolError, 'CONTINUATION of nothing')
    return
  }
  const isLast = frame.has(frameFlag.endHeaders)
  if (!block.add(frame)) {
    connection.fail(enhanceYourCalm, 'a header block without end')
    return
  }
  if (isLast) onBlock(connection, frame, block.finish(frame))
}

/** A whole header block. It is decoded whatever becomes of it: the table must stay in step. */
function onBlock(connection: Connection, frame: Frame, dependsOnItself: boolean): void {
  const { decoder, head, past, streams } = connection
  const { streamId } = frame
  const result = decoder.decode(frame.bytes, frame.start, frame.end, head)
  if (result === 'compression-error') {
    connection.fail(compressionError, 'the header block cannot be decoded')
    return
  }
  if (streamId > connection.lastAnswered) return
  if (streamId > past.last) {
    past.open(streamId)
    if (dependsOnItself || head.malformed) connection.resetForFault(streamId, protocolError)
    else if (connection.activeStreams >= connection.limits.maxConcurrentStreams) {
      connection.reset(streamId, errorCode.refusedStream)
    } else openRequest(connection, frame, result === 'too-large')
    return
  }
  const stream = streams.find(streamId)
  if (stream === undefined) onBlockOfNone(connection, streamId)
  else if (stream.hasEnded) connection.resetForFault(streamId, streamClosed)
  else if (!frame.has(frameFlag.endStream) || head.malformedAsTrailers || dependsOnItself) {
    connection.resetForFault(streamId, protocolError) // section 8.1: trailers end the request
  } else if (stream.promisedBytes > 0) connection.resetForFault(streamId, protocolError)
  else {
    frame.start = frame.end
    endGathered(connection, stream, frame)
  }
}

function onBlockOfNone(connection: Connection, streamId: number): void {
  const { past } = connection
  if (past.wasReset(streamId)) return
  if (past.wasLeftOut(streamId)) connection.fail(protocolError, 'stream ids must grow')
  else connection.fail(streamClosed, 'HEADERS on a closed stream')
}
