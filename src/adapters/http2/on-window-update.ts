import type { Connection } from './connection.ts'
import type { Frame } from './frame.ts'
import { readUint31 } from './octets.ts'
import { errorCode } from './protocol.ts'

const { protocolError, flowControlError, frameSizeError } = errorCode

/** WINDOW_UPDATE (RFC 9113 section 6.9). */
export function onWindowUpdate(connection: Connection, frame: Frame): void {
  const { streamId } = frame
  if (frame.length !== 4) {
    connection.fail(frameSizeError, 'WINDOW_UPDATE is not 4 octets')
    return
  }
  const increment = readUint31(frame.bytes, frame.start)
  const stream = streamId === 0 ? undefined : connection.streams.find(streamId)
  if (streamId !== 0 && stream === undefined) {
    if (streamId > connection.past.last && streamId <= connection.lastAnswered) {
      connection.fail(protocolError, 'WINDOW_UPDATE on an idle stream')
    } else connection.countIdleFrame() // it may have crossed the end of the answer
    return
  }
  if (increment === 0) {
    fault(connection, streamId, protocolError)
    return
  }
  const { sender } = connection
  if (!sender.grow(stream, increment)) {
    fault(connection, streamId, flowControlError)
    return
  }
  const { queued } = sender
  sender.resume(stream)
  if (sender.queued === queued) connection.countIdleFrame()
}

function fault(connection: Connection, streamId: number, code: number): void {
  if (streamId === 0) connection.fail(code, 'WINDOW_UPDATE of 0, or past the largest window')
  else connection.resetForFault(streamId, code)
}
