import type { Connection } from './connection.ts'
import type { Frame } from './frame.ts'
import { judgeMessage, messageKind, prefixBytes, type MessageKind } from './message.ts'
import { refusals } from './status.ts'
import type { Stream } from './stream.ts'

const empty = Buffer.alloc(0)

/** The peer's side of a stream is done; the payload of `frame` is all its DATA. */
export function endRequest(connection: Connection, stream: Stream, frame: Frame): void {
  stream.hasEnded = true
  if (stream.rejection !== null) {
    stream.isAnswered = true
    connection.sender.reject(stream, stream.rejection)
    return
  }
  const { bytes, start, end } = frame
  const kind = stream.isOverlong
    ? messageKind.overlong
    : judgeMessage(bytes, start, end, connection.shared.maxMessageBytes)
  if (kind === messageKind.one) frame.start = start + prefixBytes
  else if (kind === messageKind.overlong) {
    frame.bytes = empty
    frame.start = frame.end = 0
  } else {
    stream.refuse(refusalOf(kind, stream))
    return
  }
  hand(connection, stream, frame)
}

/** Hands the message over. A handler that throws has a bug: it is to answer whatever happens. */
function hand(connection: Connection, stream: Stream, frame: Frame): void {
  stream.isInWork = true
  try {
    stream.handler?.(stream, frame.bytes, frame.start, frame.end)
  } catch (cause) {
    connection.shared.onFault(cause)
    stream.refuse(refusals.fault)
  }
}

function refusalOf(
  kind: Exclude<MessageKind, typeof messageKind.one | typeof messageKind.overlong>,
  stream: Stream,
): Uint8Array {
  switch (kind) {
    case messageKind.none:
      return refusals.noMessage
    case messageKind.several:
      return refusals.severalMessages
    case messageKind.cutOff:
      return refusals.cutOff
    case messageKind.compressed:
      return stream.isEncoded ? refusals.unknownCoding : refusals.unnamedCoding
    case messageKind.unknownFlag:
      return refusals.unknownFlag
  }
}
