import { BodyBudget } from './body.ts'
import { writeGoAway, writePing, writeReset, writeWindowUpdate } from './control-frames.ts'
import { HeaderBlock } from './header-block.ts'
import { createHpackDecoder, type HpackDecoder } from './hpack-decoder.ts'
import { createRequestHead } from './hpack-request-head.ts'
import type { LeanLimits } from './limits.ts'
import { Output, type OutputSocket } from './output.ts'
import { PastStreams } from './past-streams.ts'
import { errorCode, frameFlag, maxUint31 } from './protocol.ts'
import { ReceiveWindow } from './receive-window.ts'
import { Sender } from './sender.ts'
import type { Shared } from './shared.ts'
import { StreamTable } from './stream-table.ts'
import type { Stream, StreamHome } from './stream.ts'

/** What of a socket a connection needs. */
export interface ConnectionSocket extends OutputSocket {
  readonly end: () => unknown
}

/** What of the peer comes next: its SETTINGS, or anything. */
export type Greeting = 'settings' | 'done'

/** The PING that asks whether the first GOAWAY was read. */
export const drainPing = Buffer.from('draining', 'latin1')

/** A connection: what is known of it, and what can be done to it and its streams. */
export class Connection implements StreamHome {
  readonly shared: Shared
  readonly limits: LeanLimits
  readonly output: Output
  readonly sender: Sender
  readonly streams = new StreamTable()
  readonly past = new PastStreams()
  readonly window: ReceiveWindow
  readonly bodies: BodyBudget
  readonly decoder: HpackDecoder
  readonly head = createRequestHead()
  readonly block: HeaderBlock
  /** Streams that are gone while their call is in work; they count as open until it is done. */
  readonly gone = new Set<Stream>()
  greeting: Greeting = 'settings'
  areSettingsAcknowledged = false
  /** Frames since the last answer that bring no request nearer. */
  idleFrames = 0
  /** Streams above are not answered any more (RFC 9113 section 6.8). */
  lastAnswered = maxUint31
  isDraining = false
  /** The last word is said: nothing is read or written any more. */
  isOver = false
  /** When that was, and when something happened last, by the coarse clock. */
  overMs = 0
  usedMs: number
  /** What is written while a read is judged goes out at its end. */
  isReading = false
  #isFlushPlanned = false
  readonly #socket: ConnectionSocket

  constructor(socket: ConnectionSocket, shared: Shared) {
    const { limits } = shared
    this.#socket = socket
    this.shared = shared
    this.limits = limits
    this.output = new Output(socket, shared.chunks)
    this.sender = new Sender(this.output, (stream) => this.#sent(stream))
    this.window = new ReceiveWindow(limits.connectionWindowBytes)
    this.bodies = new BodyBudget(limits.maxGatheredBytes)
    this.block = new HeaderBlock(limits)
    this.decoder = createHpackDecoder({
      knownPaths: shared.knownPaths,
      maxListBytes: limits.maxHeaderListBytes,
    })
    this.usedMs = shared.clock.nowMs
  }

  answer(stream: Stream, bytes: Uint8Array, length: number): void {
    stream.isInWork = false
    if (stream.isGone) {
      this.gone.delete(stream)
      return
    }
    this.idleFrames = 0
    this.sender.answer(stream, bytes, length)
    this.#boundQueue()
    this.flushSoon()
  }

  refuse(stream: Stream, block: Uint8Array): void {
    stream.isInWork = false
    if (stream.isGone) {
      this.gone.delete(stream)
      return
    }
    this.idleFrames = 0
    this.sender.end(stream, block)
    this.flushSoon()
  }

  say(stream: Stream, bytes: Uint8Array): void {
    if (stream.isGone) return
    this.sender.say(stream, bytes)
    this.#boundQueue()
    this.flushSoon()
  }

  /** A connection error (section 5.4.1): the last word is GOAWAY, then nothing is read any more. */
  fail(code: number, reason: string): void {
    if (this.isOver) return
    writeGoAway(this.output, Math.min(this.past.last, this.lastAnswered), code, reason)
    this.finish()
  }

  /** A stream error (section 5.4.2), also of a stream that is over. Counts as an idle frame. */
  resetForFault(streamId: number, code: number): void {
    this.reset(streamId, code)
    this.countIdleFrame()
  }

  /** Resets a stream; what still comes for it is ignored. */
  reset(streamId: number, code: number): void {
    writeReset(this.output, streamId, code)
    this.past.reset(streamId)
    const stream = this.streams.find(streamId)
    if (stream !== undefined) this.close(stream)
  }

  /** Ends a stream whose answer is not, or not wholly, sent. A call in work is told. */
  close(stream: Stream): void {
    this.sender.drop(stream)
    this.dropBody(stream)
    stream.isGone = true
    if (stream.isInWork) {
      this.gone.add(stream)
      this.#tellCancelled(stream)
    }
    this.#remove(stream)
  }

  dropBody(stream: Stream): void {
    stream.body?.release()
    stream.body = null
  }

  /** Streams that count for SETTINGS_MAX_CONCURRENT_STREAMS. */
  get activeStreams(): number {
    return this.streams.size + this.gone.size
  }

  /** Counts a frame that brings no request nearer; too many end the connection. */
  countIdleFrame(): void {
    this.idleFrames += 1
    if (this.idleFrames > this.limits.maxIdleFrames) {
      this.fail(errorCode.enhanceYourCalm, 'too many frames that ask nothing')
    }
  }

  /** Gives the connection's window back and writes what was gathered. */
  flush(): void {
    const back = this.window.giveBack()
    if (back > 0 && !this.isOver) writeWindowUpdate(this.output, 0, back)
    this.output.flush()
  }

  /** Writes at the end of this turn, with what else is answered in it. */
  flushSoon(): void {
    if (this.isReading || this.#isFlushPlanned) return
    this.#isFlushPlanned = true
    process.nextTick(flushPlanned, this)
  }

  /** Tells the peer to go elsewhere, as it may have requests on their way (section 6.8). */
  drain(): void {
    if (this.isDraining || this.isOver) return
    this.isDraining = true
    writeGoAway(this.output, maxUint31)
    writePing(this.output, frameFlag.none, drainPing)
    this.flushSoon()
  }

  /** The peer has read that, or had time to: newer streams are not answered, then it is over. */
  drainLastly(): void {
    if (this.isOver || this.lastAnswered !== maxUint31) return
    this.lastAnswered = this.past.last
    writeGoAway(this.output, this.past.last)
    this.#finishWhenIdle()
    this.flushSoon()
  }

  /** Says nothing more: what was gathered is written, then FIN. */
  finish(): void {
    if (this.isOver) return
    this.isOver = true
    this.overMs = this.shared.clock.nowMs
    this.output.flush()
    this.output.end()
    this.#socket.end()
    for (const stream of this.streams.all()) this.close(stream)
  }

  /** The socket is closed. */
  lost(): void {
    this.isOver = true
    this.output.end()
    for (const stream of this.streams.all()) this.close(stream)
  }

  runPlannedFlush(): void {
    this.#isFlushPlanned = false
    this.flush()
  }

  #sent(stream: Stream): void {
    if (stream.hasEnded) this.#remove(stream)
    // The rest of the request is not wanted (section 8.1).
    else this.reset(stream.id, errorCode.noError)
  }

  #remove(stream: Stream): void {
    this.streams.remove(stream)
    if (this.isDraining) this.#finishWhenIdle()
  }

  #finishWhenIdle(): void {
    if (this.lastAnswered !== maxUint31 && this.streams.size === 0) this.finish()
  }

  #boundQueue(): void {
    if (this.sender.queued > this.limits.maxQueuedBytes) {
      this.fail(errorCode.enhanceYourCalm, 'too much waits for your windows')
    }
  }

  #tellCancelled(stream: Stream): void {
    try {
      stream.onCancelled?.()
    } catch (cause) {
      this.shared.onFault(cause)
    }
  }
}

function flushPlanned(connection: Connection): void {
  connection.runPlannedFlush()
}
