import { Connection } from './connection.ts'
import { writeSettings, writeWindowUpdate } from './control-frames.ts'
import { dispatch } from './dispatch.ts'
import type { Frame } from './frame.ts'
import { FrameSplitter, type FrameSink } from './frame-splitter.ts'
import { setting } from './on-settings.ts'
import type { OutputSocket } from './output.ts'
import { Preface } from './preface.ts'
import { errorCode, initialWindowBytes } from './protocol.ts'
import type { Shared } from './shared.ts'
import { Vigil } from './vigil.ts'

/** What of a socket a session needs; `net.Socket` and `tls.TLSSocket` are such. */
export interface SessionSocket extends OutputSocket {
  readonly end: () => unknown
  readonly destroy: () => unknown
  readonly pause: () => unknown
  readonly resume: () => unknown
}

/** A connection and its socket: what comes goes to the one, what it says to the other. */
export class Session implements FrameSink {
  readonly connection: Connection
  readonly #socket: SessionSocket
  readonly #preface = new Preface()
  readonly #splitter: FrameSplitter
  readonly #vigil: Vigil

  constructor(socket: SessionSocket, shared: Shared) {
    this.#socket = socket
    this.connection = new Connection(socket, shared)
    this.#splitter = new FrameSplitter(this, shared.frames)
    this.#vigil = new Vigil(this.connection, this.#splitter)
    this.#greet()
  }

  /** Takes what was read; `bytes` may be overwritten once it returns. */
  read(bytes: Buffer, length: number): void {
    const { connection } = this
    this.#vigil.heard()
    if (connection.isOver) return
    const { burst } = connection.shared
    connection.isReading = true
    burst?.begin()
    try {
      const start = this.#preface.isDone ? 0 : this.#preface.read(bytes, length)
      if (start >= 0) this.#splitter.push(bytes, start, length)
      else connection.fail(errorCode.protocolError, 'this is not HTTP/2')
    } catch (cause) {
      // A bug; it must not end the process, nor leave a connection whose state is in doubt.
      connection.shared.onFault(cause)
      connection.fail(errorCode.internalError, 'internal error')
    }
    try {
      burst?.end() // what waited for the end of the read is answered in the same write
    } catch (cause) {
      connection.shared.onFault(cause)
    }
    connection.isReading = false
    connection.flush()
    // Who does not read is not read from. After the last word all is read, and thrown away.
    if (this.#isHeldUp()) this.#socket.pause()
  }

  /** The kernel took what the socket held. */
  drained(): void {
    this.connection.output.isCongested = false
    this.connection.output.reclaim()
    this.#socket.resume()
  }

  /** The socket is closed, or the peer has closed its side. */
  lost(): void {
    this.connection.lost()
  }

  /** Looks whether anything takes too long; to be called a few times a second. */
  tick(nowMs: number): void {
    if (this.#vigil.isHopeless(nowMs)) this.#giveUp()
    else if (this.connection.isOver) this.#socket.resume()
  }

  /** The server stops. */
  drain(): void {
    if (this.connection.greeting === 'done') this.connection.drain()
    else this.connection.finish()
  }

  /** The server does not wait any longer. */
  abandon(): void {
    this.connection.finish()
    this.#socket.destroy()
  }

  frame(frame: Frame): void {
    dispatch(this.connection, frame)
  }

  oversized(): void {
    // An error of the connection for any type: what changes its state cannot be skipped (section 4.2).
    this.connection.fail(errorCode.frameSizeError, 'a frame longer than SETTINGS_MAX_FRAME_SIZE')
  }

  isOver(): boolean {
    return this.connection.isOver
  }

  /** The socket says only later that it is closed; what is answered until then goes nowhere. */
  #giveUp(): void {
    this.#socket.destroy()
    this.lost()
  }

  #isHeldUp(): boolean {
    return this.connection.output.isCongested && !this.connection.isOver
  }

  /** The server's preface: its SETTINGS, without waiting for the client's (section 3.4). */
  #greet(): void {
    const { output, limits } = this.connection
    writeSettings(output, [
      [setting.maxConcurrentStreams, limits.maxConcurrentStreams],
      [setting.initialWindowSize, limits.streamWindowBytes],
      [setting.maxHeaderListSize, limits.maxHeaderListBytes],
    ])
    writeWindowUpdate(output, 0, limits.connectionWindowBytes - initialWindowBytes)
    output.flush()
  }
}
