import type { Connection } from './connection.ts'
import { Body } from './body.ts'
import { writeWindowUpdate } from './control-frames.ts'
import { endRequest } from './end-request.ts'
import type { Frame } from './frame.ts'
import { errorCode, frameFlag } from './protocol.ts'
import type { Stream } from './stream.ts'

const { protocolError, flowControlError, streamClosed } = errorCode

/** DATA (RFC 9113 section 6.1). */
export function onData(connection: Connection, frame: Frame): void {
  const { length, streamId } = frame
  // Of the connection's window all is taken, padding and what nobody wants included (section 6.9).
  if (!connection.window.take(length)) {
    connection.fail(flowControlError, 'more DATA than the connection has window for')
    return
  }
  const stream = connection.streams.find(streamId)
  if (stream === undefined) {
    onDataOfNone(connection, streamId)
    return
  }
  if (stream.hasEnded) {
    connection.resetForFault(streamId, streamClosed)
    return
  }
  if (length > stream.receiveWindow) {
    connection.resetForFault(streamId, flowControlError)
    return
  }
  stream.receiveWindow -= length
  stream.unreturned += length
  if (!frame.unpad()) {
    connection.fail(protocolError, 'more padding than payload')
    return
  }

  const ends = (frame.flags & frameFlag.endStream) !== 0
  const octets = frame.end - frame.start
  if (stream.promisedBytes >= 0 && !keepsPromise(stream, octets, ends)) {
    connection.resetForFault(streamId, protocolError)
    return
  }
  if (ends && stream.body === null) endRequest(connection, stream, frame)
  else if (octets === 0 && !ends) connection.countIdleFrame()
  else gather(connection, stream, frame)
}

/** Whether DATA is within what `content-length` said (section 8.1.1). */
function keepsPromise(stream: Stream, octets: number, ends: boolean): boolean {
  if (octets > stream.promisedBytes) return false
  stream.promisedBytes -= octets
  return !ends || stream.promisedBytes === 0
}

function onDataOfNone(connection: Connection, streamId: number): void {
  if (streamId === 0) {
    connection.fail(protocolError, 'DATA on stream 0')
    return
  }
  if (streamId > connection.lastAnswered || connection.past.wasReset(streamId)) return
  if (streamId > connection.past.last) connection.fail(protocolError, 'DATA on an idle stream')
  else connection.resetForFault(streamId, streamClosed)
}

/** Keeps a part of a message; hands the message over with its last part. */
function gather(connection: Connection, stream: Stream, frame: Frame): void {
  if (stream.handler !== null && !stream.isOverlong) {
    stream.body ??= new Body(connection.bodies, connection.shared.maxMessageBytes)
    if (!stream.body.add(frame.bytes, frame.start, frame.end)) {
      stream.isOverlong = true
      connection.dropBody(stream)
    }
  }
  if (frame.has(frameFlag.endStream)) endGathered(connection, stream, frame)
  else giveWindowBack(connection, stream)
}

/** Makes `frame` one with all DATA of the request. */
export function endGathered(connection: Connection, stream: Stream, frame: Frame): void {
  const { body } = stream
  if (body !== null) {
    frame.bytes = body.bytes
    frame.start = 0
    frame.end = body.length
  }
  endRequest(connection, stream, frame)
  connection.dropBody(stream)
}

/** The stream's window grows again, for what is left of the request. */
function giveWindowBack(connection: Connection, stream: Stream): void {
  if (stream.unreturned * 2 < connection.limits.streamWindowBytes) return
  writeWindowUpdate(connection.output, stream.id, stream.unreturned)
  stream.receiveWindow += stream.unreturned
  stream.unreturned = 0
}
