import type { Connection } from './connection.ts'
import { writePing } from './control-frames.ts'
import type { FrameSplitter } from './frame-splitter.ts'
import { errorCode, frameFlag } from './protocol.ts'
import type { Stream } from './stream.ts'

const keepalivePing = Buffer.from('alive???', 'latin1')

/** Ends what takes too long on a connection: there are no timers but one for the whole server. */
export class Vigil {
  readonly #connection: Connection
  readonly #splitter: FrameSplitter
  readonly #begunMs: number
  /** When something came last, and when it was asked whether the peer still lives; 0: it was not. */
  #heardMs: number
  #askedMs = 0
  #tickMs: number
  #drainMs = 0
  #lastStream = 0
  #frames = 0
  #frameMs = 0
  #taken = 0
  #takenMs: number

  constructor(connection: Connection, splitter: FrameSplitter) {
    this.#connection = connection
    this.#splitter = splitter
    this.#begunMs = connection.shared.clock.nowMs
    this.#heardMs = this.#tickMs = this.#takenMs = this.#begunMs
  }

  heard(): void {
    this.#heardMs = this.#connection.shared.clock.nowMs
    this.#askedMs = 0
  }

  /** Looks after everything; true if the socket is to be destroyed, as nobody listens. */
  isHopeless(nowMs: number): boolean {
    const connection = this.#connection
    const { limits } = connection
    if (connection.isOver) return nowMs - connection.overMs > limits.lingerMs
    this.#forgive(nowMs)
    this.#checkGreeting(nowMs)
    this.#checkFrames(nowMs)
    this.#checkStreams(nowMs)
    this.#checkUse(nowMs)
    connection.output.reclaim()
    connection.flush()
    return this.#isStalled(nowMs) || this.#isSilent(nowMs)
  }

  #forgive(nowMs: number): void {
    const connection = this.#connection
    const forgiven = ((nowMs - this.#tickMs) / 1_000) * connection.limits.idleFramesPerSecond
    this.#tickMs = nowMs
    connection.idleFrames = Math.max(0, connection.idleFrames - forgiven)
  }

  #checkGreeting(nowMs: number): void {
    const connection = this.#connection
    const { limits } = connection
    const ageMs = nowMs - this.#begunMs
    if (connection.greeting !== 'done') {
      if (ageMs > limits.greetingMs) connection.fail(errorCode.protocolError, 'no preface')
    } else if (!connection.areSettingsAcknowledged && ageMs > limits.settingsMs) {
      connection.fail(errorCode.settingsTimeout, 'SETTINGS are not acknowledged')
    }
  }

  /** A frame, or a header block, that comes too slowly. */
  #checkFrames(nowMs: number): void {
    const { block, limits } = this.#connection
    if (!this.#splitter.isWithinFrame || this.#splitter.begun !== this.#frames) {
      this.#frames = this.#splitter.begun
      this.#frameMs = nowMs
    }
    const isSlow = nowMs - this.#frameMs > limits.headerBlockMs
    const isSlowBlock = block.streamId !== 0 && nowMs - block.beganMs > limits.headerBlockMs
    if (isSlow || isSlowBlock) {
      this.#connection.fail(errorCode.enhanceYourCalm, 'a frame or header block is too slow')
    }
  }

  #checkStreams(nowMs: number): void {
    const connection = this.#connection
    const { limits, shared } = connection
    if (connection.activeStreams === 0) return
    for (const stream of connection.streams.all()) {
      const isLate = !stream.hasEnded && nowMs - stream.bornMs > limits.requestMs
      if (isLate || isStuck(stream, nowMs, limits.stallMs)) {
        connection.reset(stream.id, errorCode.cancel)
      }
    }
    for (const stream of connection.gone) {
      if (nowMs - stream.bornMs <= limits.workMs) continue
      connection.gone.delete(stream)
      shared.onFault(new Error('a call that was cancelled was never answered'))
    }
  }

  /** A connection nobody uses, or that is to be closed. */
  #checkUse(nowMs: number): void {
    const connection = this.#connection
    const { limits, past } = connection
    if (connection.isDraining) {
      if (this.#drainMs === 0) this.#drainMs = nowMs
      else if (nowMs - this.#drainMs > limits.goAwayMs) connection.drainLastly()
    }
    if (connection.activeStreams > 0 || past.last !== this.#lastStream) {
      this.#lastStream = past.last
      connection.usedMs = nowMs
    } else if (nowMs - connection.usedMs > limits.idleMs) connection.drain()
  }

  /** Whether there is something to send, and the kernel has taken nothing for too long. */
  #isStalled(nowMs: number): boolean {
    const { output, limits } = this.#connection
    if (output.waiting === 0 || output.taken !== this.#taken) {
      this.#taken = output.taken
      this.#takenMs = nowMs
    }
    return nowMs - this.#takenMs > limits.stallMs
  }

  /** Whether nothing comes, not even the answer to a PING. */
  #isSilent(nowMs: number): boolean {
    const { isOver, limits, output } = this.#connection
    if (this.#askedMs !== 0) return nowMs - this.#askedMs > limits.keepaliveTimeoutMs
    if (isOver || nowMs - this.#heardMs <= limits.keepaliveMs) return false
    this.#askedMs = nowMs
    writePing(output, frameFlag.none, keepalivePing)
    output.flush()
    return false
  }
}

/** Whether an answer waits, and the peer's windows have let nothing of it through for too long. */
function isStuck({ outgoing }: Stream, nowMs: number, stallMs: number): boolean {
  if (outgoing === null) return false
  if (outgoing.left !== outgoing.seenLeft) {
    outgoing.seenLeft = outgoing.left
    outgoing.seenMs = nowMs
  }
  return nowMs - outgoing.seenMs > stallMs
}
