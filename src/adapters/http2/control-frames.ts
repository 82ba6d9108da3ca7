import { patchFrame, writeFrameKind, writeUint32 } from './octets.ts'
import type { Output } from './output.ts'
import { errorCode, frameFlag, frameHeaderBytes, frameType } from './protocol.ts'

/** RST_STREAM (RFC 9113 section 6.4). */
export function writeReset(output: Output, streamId: number, code: number): void {
  const at = writeFrame(output, frameType.rstStream, streamId, 4)
  writeUint32(output.bytes, at, code)
}

/** WINDOW_UPDATE (section 6.9); stream 0 is the connection. */
export function writeWindowUpdate(output: Output, streamId: number, increment: number): void {
  const at = writeFrame(output, frameType.windowUpdate, streamId, 4)
  writeUint32(output.bytes, at, increment)
}

/** GOAWAY (section 6.8), with a word for those who read logs. */
export function writeGoAway(
  output: Output,
  lastStreamId: number,
  code: number = errorCode.noError,
  reason = '',
): void {
  const debug = Buffer.from(reason, 'latin1')
  const at = writeFrame(output, frameType.goAway, 0, 8 + debug.length)
  writeUint32(output.bytes, at, lastStreamId)
  writeUint32(output.bytes, at + 4, code)
  output.bytes.set(debug, at + 8)
}

/** PING (section 6.7) with 8 octets from `bytes[at]`. */
export function writePing(output: Output, flags: number, bytes: Uint8Array, from = 0): void {
  const at = writeFrame(output, frameType.ping, 0, 8, flags)
  for (let i = 0; i < 8; i += 1) output.bytes[at + i] = bytes[from + i] as number
}

/** SETTINGS (section 6.5), or their acknowledgement if there are none. */
export function writeSettings(
  output: Output,
  settings: readonly (readonly [id: number, value: number])[],
): void {
  const flags = settings.length === 0 ? frameFlag.ack : frameFlag.none
  const at = writeFrame(output, frameType.settings, 0, settings.length * 6, flags)
  settings.forEach(([id, value], i) => {
    output.bytes[at + i * 6] = id >>> 8
    output.bytes[at + i * 6 + 1] = id
    writeUint32(output.bytes, at + i * 6 + 2, value)
  })
}

/** Writes the header; gives the place of the payload. */
// eslint-disable-next-line max-params -- a frame header has four fields
function writeFrame(
  output: Output,
  type: number,
  streamId: number,
  length: number,
  flags: number = frameFlag.none,
): number {
  const at = output.reserve(frameHeaderBytes + length)
  writeFrameKind(output.bytes, at, type, flags)
  patchFrame(output.bytes, at, length, streamId)
  return at + frameHeaderBytes
}
