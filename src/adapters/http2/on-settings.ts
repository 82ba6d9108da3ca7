import type { Connection } from './connection.ts'
import { writeSettings } from './control-frames.ts'
import type { Frame } from './frame.ts'
import { readUint16, readUint32 } from './octets.ts'
import { errorCode, frameFlag, maxFrameBytes, maxUint31 } from './protocol.ts'

/** Settings that matter to a server that neither pushes nor uses a header table (section 6.5.2). */
export const setting = {
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const

const { protocolError, frameSizeError, flowControlError } = errorCode
const settingBytes = 6

/** SETTINGS (RFC 9113 section 6.5). */
export function onSettings(connection: Connection, frame: Frame): void {
  if (frame.streamId !== 0) {
    connection.fail(protocolError, 'SETTINGS on a stream')
    return
  }
  if (frame.has(frameFlag.ack)) {
    if (frame.length !== 0) {
      connection.fail(frameSizeError, 'SETTINGS ACK with content')
      return
    }
    if (connection.areSettingsAcknowledged) connection.countIdleFrame()
    connection.areSettingsAcknowledged = true
    return
  }
  if (frame.length % settingBytes !== 0) {
    connection.fail(frameSizeError, 'SETTINGS of half an entry')
    return
  }
  for (let at = frame.start; at < frame.end; at += settingBytes) {
    const code = faultOf(readUint16(frame.bytes, at), readUint32(frame.bytes, at + 2))
    if (code !== undefined) {
      connection.fail(code, 'SETTINGS with a value out of range')
      return
    }
  }
  const window = lastValue(frame, setting.initialWindowSize)
  if (window !== undefined && !setInitialWindow(connection, window)) {
    connection.fail(flowControlError, 'SETTINGS overflow the window of a stream')
    return
  }
  writeSettings(connection.output, [])
  connection.sender.resume() // after the acknowledgement, so that the peer knows why
  connection.countIdleFrame()
}

/** Changes the window of all streams, which may become negative (section 6.9.2). */
function setInitialWindow({ sender, streams }: Connection, window: number): boolean {
  if (streams.all().some(({ sendDelta }) => window + sendDelta > maxUint31)) return false
  sender.initialWindow = window
  return true
}

/** The error that a value is, or undefined. Unknown settings are ignored. */
function faultOf(id: number, value: number): number | undefined {
  if (id === setting.enablePush && value > 1) return protocolError
  if (id === setting.initialWindowSize && value > maxUint31) return flowControlError
  const isFrameSize = value >= maxFrameBytes && value < 2 ** 24
  if (id === setting.maxFrameSize && !isFrameSize) return protocolError
  return undefined
}

function lastValue(frame: Frame, id: number): number | undefined {
  let value: number | undefined
  for (let at = frame.start; at < frame.end; at += settingBytes) {
    if (readUint16(frame.bytes, at) === id) value = readUint32(frame.bytes, at + 2)
  }
  return value
}
