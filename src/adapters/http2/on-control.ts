import { drainPing, type Connection } from './connection.ts'
import { writePing } from './control-frames.ts'
import type { Frame } from './frame.ts'
import { readUint31 } from './octets.ts'
import { errorCode, frameFlag } from './protocol.ts'

const { protocolError, frameSizeError } = errorCode

/** PING (RFC 9113 section 6.7). */
export function onPing(connection: Connection, frame: Frame): void {
  if (frame.streamId !== 0) {
    connection.fail(protocolError, 'PING on a stream')
    return
  }
  if (frame.length !== 8) {
    connection.fail(frameSizeError, 'PING is not 8 octets')
    return
  }
  connection.countIdleFrame()
  if (!frame.has(frameFlag.ack)) {
    writePing(connection.output, frameFlag.ack, frame.bytes, frame.start)
  } else if (connection.isDraining && isDrainPing(frame)) connection.drainLastly()
}

function isDrainPing({ bytes, start }: Frame): boolean {
  return drainPing.every((octet, i) => bytes[start + i] === octet)
}

/** RST_STREAM (section 6.4). It costs nothing that is not bounded otherwise, so it is not counted. */
export function onRstStream(connection: Connection, frame: Frame): void {
  const { streamId } = frame
  if (frame.length !== 4) {
    connection.fail(frameSizeError, 'RST_STREAM is not 4 octets')
    return
  }
  if (streamId === 0) {
    connection.fail(protocolError, 'RST_STREAM on stream 0')
    return
  }
  const stream = connection.streams.find(streamId)
  if (stream !== undefined) connection.close(stream)
  else if (streamId > connection.past.last && streamId <= connection.lastAnswered) {
    connection.fail(protocolError, 'RST_STREAM on an idle stream')
  }
}

/** PRIORITY (section 6.3), which says nothing any more, but is checked. */
export function onPriority(connection: Connection, frame: Frame): void {
  const { streamId } = frame
  if (streamId === 0) {
    connection.fail(protocolError, 'PRIORITY on stream 0')
    return
  }
  const code = priorityFault(frame)
  if (code === undefined) connection.countIdleFrame()
  else if (connection.streams.find(streamId) !== undefined) {
    connection.resetForFault(streamId, code)
  } else connection.fail(code, 'PRIORITY is malformed') // RST_STREAM is not for idle streams
}

function priorityFault({ length, streamId, bytes, start }: Frame): number | undefined {
  if (length !== 5) return frameSizeError
  return readUint31(bytes, start) === streamId ? protocolError : undefined
}

/** GOAWAY (section 6.8). Who goes closes the connection; what it asked before is answered. */
export function onGoAway(connection: Connection, frame: Frame): void {
  if (frame.streamId !== 0) connection.fail(protocolError, 'GOAWAY on a stream')
  else if (frame.length < 8) connection.fail(frameSizeError, 'GOAWAY is less than 8 octets')
  else connection.countIdleFrame()
}
