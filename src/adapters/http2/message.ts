import { readUint32 } from './octets.ts'

/** Octets before each message: whether it is compressed, and its length (gRPC over HTTP/2). */
export const prefixBytes = 5

/** What the DATA of a whole request holds; a unary call is one message. */
export const messageKind = {
  one: 0,
  none: 1,
  several: 2,
  cutOff: 3,
  compressed: 4,
  /** A flag that no version of gRPC knows. */
  unknownFlag: 5,
  /** Longer than `maxBytes`. */
  overlong: 6,
} as const
export type MessageKind = (typeof messageKind)[keyof typeof messageKind]

/** Judges `bytes[start..end)`, all DATA of a request. */
export function judgeMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxBytes: number,
): MessageKind {
  const octets = end - start
  if (octets < prefixBytes) return octets === 0 ? messageKind.none : messageKind.cutOff
  const size = readUint32(bytes, start + 1)
  if (size > maxBytes) return messageKind.overlong
  if (size > octets - prefixBytes) return messageKind.cutOff
  if (size < octets - prefixBytes) return messageKind.several
  const flag = bytes[start] as number
  if (flag === 0) return messageKind.one
  return flag === 1 ? messageKind.compressed : messageKind.unknownFlag
}
