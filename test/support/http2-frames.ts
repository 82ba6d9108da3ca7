import { frameFlag, frameType } from '../../src/adapters/http2/protocol.ts'
import { encodeLiteral, plainBlock } from './hpack-encoder.ts'
import type { HeaderField } from './hpack-reference.ts'

/** What a client says first (RFC 9113 section 3.4). */
export const prefaceOctets = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** A frame as it came. */
export interface ReceivedFrame {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly payload: Buffer
}

export interface FrameOptions {
  readonly flags?: number
  readonly streamId?: number
  readonly payload?: Uint8Array | readonly number[]
}

/** A frame; what it holds may be wrong. */
export function frameOf(
  type: keyof typeof frameType | number,
  { flags = 0, streamId = 0, payload = [] }: FrameOptions = {},
): Buffer {
  const frame = Buffer.alloc(9 + payload.length)
  frame.writeUIntBE(payload.length, 0, 3)
  frame.writeUInt8(typeof type === 'number' ? type : frameType[type], 3)
  frame.writeUInt8(flags, 4)
  frame.writeUInt32BE(streamId, 5)
  frame.set(payload, 9)
  return frame
}

export function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt32BE(value >>> 0)
  return octets
}

export function settingsOf(settings: Readonly<Record<number, number>> = {}): Buffer {
  const payload = Object.entries(settings).map(([id, value]) =>
    Buffer.concat([Buffer.of(Number(id) >>> 8, Number(id) & 255), uint32(value)]),
  )
  return frameOf('settings', { payload: Buffer.concat(payload) })
}

export const settingsAck = frameOf('settings', { flags: frameFlag.ack })

export function windowUpdateOf(streamId: number, increment: number): Buffer {
  return frameOf('windowUpdate', { streamId, payload: uint32(increment) })
}

export function resetOf(streamId: number, code = 8): Buffer {
  return frameOf('rstStream', { streamId, payload: uint32(code) })
}

export function pingOf(octets = 'pingping', flags = 0): Buffer {
  return frameOf('ping', { flags, payload: Buffer.from(octets, 'latin1') })
}

/** The head of a gRPC request. */
export function requestFields(
  path: string,
  more: readonly HeaderField[] = [],
): readonly HeaderField[] {
  return [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'test'],
    ['te', 'trailers'],
    ['content-type', 'application/grpc'],
    ...more,
  ]
}

/** HEADERS with END_HEADERS; the fields are literals, so that no table is needed. */
export function headersOf(
  streamId: number,
  fields: readonly HeaderField[] | Uint8Array,
  { endStream = false }: { endStream?: boolean } = {},
): Buffer {
  return frameOf('headers', {
    streamId,
    flags: frameFlag.endHeaders | (endStream ? frameFlag.endStream : 0),
    payload: fields instanceof Uint8Array ? fields : plainBlock(fields),
  })
}

export function dataOf(
  streamId: number,
  payload: Uint8Array,
  { endStream = true }: { endStream?: boolean } = {},
): Buffer {
  return frameOf('data', { streamId, payload, flags: endStream ? frameFlag.endStream : 0 })
}

/** A message with its prefix. */
export function messageOf(octets: Uint8Array | string, flag = 0): Buffer {
  const message = Buffer.from(octets)
  return Buffer.concat([Buffer.of(flag), uint32(message.length), message])
}

/** A request to a method of `test.Echo` as a whole. */
export function requestOf(streamId: number, method: string, message: Uint8Array | string): Buffer {
  return Buffer.concat([
    headersOf(streamId, requestFields(`/test.Echo/${method}`)),
    dataOf(streamId, messageOf(message)),
  ])
}

/** A field of literals that the table keeps. */
export function incrementalField(name: string, value: string): Uint8Array {
  return Uint8Array.from(encodeLiteral(name, value, { indexing: 'incremental' }))
}

/** Cuts what came into frames; gives the rest. */
export function takeFrames(octets: Buffer, onFrame: (frame: ReceivedFrame) => void): Buffer {
  let at = 0
  while (octets.length - at >= 9) {
    const end = at + 9 + octets.readUIntBE(at, 3)
    if (end > octets.length) break
    onFrame({
      type: octets.readUInt8(at + 3),
      flags: octets.readUInt8(at + 4),
      streamId: octets.readUInt32BE(at + 5) & 0x7fffffff,
      payload: Buffer.from(octets.subarray(at + 9, end)),
    })
    at = end
  }
  return octets.subarray(at)
}
