import type { Connection } from './connection.ts'
import type { Frame } from './frame.ts'
import { onData } from './on-data.ts'
import { onContinuation, onHeaders } from './on-headers.ts'
import { onGoAway, onPing, onPriority, onRstStream } from './on-control.ts'
import { onSettings } from './on-settings.ts'
import { onWindowUpdate } from './on-window-update.ts'
import { errorCode, frameFlag, frameType } from './protocol.ts'

/** Gives a frame to those who know its type (RFC 9113 section 6). */
export function dispatch(connection: Connection, frame: Frame): void {
  if (connection.block.streamId !== 0 && !isContinuation(connection, frame)) {
    connection.fail(errorCode.protocolError, 'a header block is interrupted')
    return
  }
  if (connection.greeting === 'settings' && !greets(connection, frame)) return
  switch (frame.type) {
    case frameType.headers: {
      onHeaders(connection, frame)
      return
    }
    case frameType.data: {
      onData(connection, frame)
      return
    }
    case frameType.windowUpdate: {
      onWindowUpdate(connection, frame)
      return
    }
    case frameType.rstStream: {
      onRstStream(connection, frame)
      return
    }
    case frameType.settings: {
      onSettings(connection, frame)
      return
    }
    case frameType.ping: {
      onPing(connection, frame)
      return
    }
    case frameType.continuation: {
      onContinuation(connection, frame)
      return
    }
    case frameType.priority: {
      onPriority(connection, frame)
      return
    }
    case frameType.goAway: {
      onGoAway(connection, frame)
      return
    }
    case frameType.pushPromise: {
      connection.fail(errorCode.protocolError, 'clients do not push')
      return
    }
    default:
      connection.countIdleFrame() // unknown types are ignored (section 4.1)
  }
}

function isContinuation(connection: Connection, frame: Frame): boolean {
  return frame.type === frameType.continuation && frame.streamId === connection.block.streamId
}

/** The first frame is SETTINGS (section 3.4). */
function greets(connection: Connection, frame: Frame): boolean {
  connection.greeting = 'done'
  if (frame.type === frameType.settings && !frame.has(frameFlag.ack)) return true
  connection.fail(errorCode.protocolError, 'the first frame is not SETTINGS')
  return false
}
