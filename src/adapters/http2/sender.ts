import { prefixBytes } from './message.ts'
import { patchFrame, writeFrameKind, writeUint32 } from './octets.ts'
import { Outgoing } from './outgoing.ts'
import type { Output } from './output.ts'
import {
  frameFlag,
  frameHeaderBytes,
  frameType,
  initialWindowBytes,
  maxFrameBytes,
  maxUint31,
} from './protocol.ts'
import { answerHead, okTrailers } from './status.ts'
import type { Rejection, Stream } from './stream.ts'

const { endHeaders, endStream, none } = frameFlag

/** Everything of an answer that is the same in all of them: head, DATA's header, and trailers. */
const front = Buffer.alloc(frameHeaderBytes + answerHead.length + frameHeaderBytes + prefixBytes)
writeFrameKind(front, 0, frameType.headers, endHeaders)
patchFrame(front, 0, answerHead.length, 0)
front.set(answerHead, frameHeaderBytes)
const dataAt = frameHeaderBytes + answerHead.length
writeFrameKind(front, dataAt, frameType.data, none)
const back = Buffer.alloc(frameHeaderBytes + okTrailers.length)
writeFrameKind(back, 0, frameType.headers, endHeaders | endStream)
patchFrame(back, 0, okTrailers.length, 0)
back.set(okTrailers, frameHeaderBytes)

/**
 * Sends answers as far as the peer's windows allow (RFC 9113 section 5.2). What fits at once, as
 * nearly all does, is written from prepared parts; the rest waits with its stream.
 */
export class Sender {
  /** The peer's window for the connection. */
  window = initialWindowBytes
  /** Its SETTINGS_INITIAL_WINDOW_SIZE, for streams that are open, too (section 6.9.2). */
  initialWindow = initialWindowBytes
  /** Octets that wait for windows. */
  queued = 0
  readonly #output: Output
  readonly #onSent: (stream: Stream) => void
  readonly #waiting = new Set<Stream>()

  /** `onSent` is told when an answer is written to its end. */
  constructor(output: Output, onSent: (stream: Stream) => void) {
    this.#output = output
    this.#onSent = onSent
  }

  /** Sends one message, `bytes[0..length)`, and status 0. */
  answer(stream: Stream, bytes: Uint8Array, length: number): void {
    const payload = length + prefixBytes
    const window = this.initialWindow + stream.sendDelta
    if (payload > this.window || payload > window || payload > maxFrameBytes) {
      this.#head(stream, answerHead, none)
      this.#queue(stream, messageOf(bytes, length), okTrailers)
      return
    }
    this.window -= payload
    const output = this.#output
    const at = output.reserve(front.length + length + back.length)
    const target = output.bytes
    front.copy(target, at)
    patchStream(target, at, stream.id)
    patchFrame(target, at + dataAt, payload, stream.id)
    writeUint32(target, at + front.length - 4, length)
    asBuffer(bytes).copy(target, at + front.length, 0, length)
    const backAt = at + front.length + length
    back.copy(target, backAt)
    patchStream(target, backAt, stream.id)
    this.#onSent(stream)
  }

  /** Sends one message and leaves the answer open. */
  say(stream: Stream, bytes: Uint8Array): void {
    if (!stream.hasHead) this.#head(stream, answerHead, none)
    this.#queue(stream, messageOf(bytes, bytes.length), undefined)
  }

  /** Sends headers, or trailers, that end the answer. */
  end(stream: Stream, block: Uint8Array): void {
    const { outgoing } = stream
    if (outgoing !== null) outgoing.tail = block
    else {
      this.#head(stream, block, endStream)
      this.#onSent(stream)
    }
  }

  /** Sends an answer of HTTP. */
  reject(stream: Stream, { head, body }: Rejection): void {
    if (body.length === 0) {
      this.end(stream, head)
      return
    }
    this.#head(stream, head, none)
    this.#queue(stream, Buffer.from(body), null)
  }

  /** Sends what waits, after a window has grown: of the one stream, or of all. */
  resume(stream?: Stream): void {
    if (stream !== undefined) this.#pump(stream)
    else
      for (const each of this.#waiting) {
        if (this.window <= 0) return
        this.#pump(each)
      }
  }

  /** Drops what waits on a stream. */
  drop(stream: Stream): void {
    if (stream.outgoing === null) return
    this.queued -= stream.outgoing.left
    stream.outgoing = null
    this.#waiting.delete(stream)
  }

  /** Raises a window by an increment (section 6.9.1); false if it passes the largest. */
  grow(stream: Stream | undefined, increment: number): boolean {
    if (stream === undefined) {
      if (this.window + increment > maxUint31) return false
      this.window += increment
    } else {
      if (this.initialWindow + stream.sendDelta + increment > maxUint31) return false
      stream.sendDelta += increment
    }
    return true
  }

  #head(stream: Stream, block: Uint8Array, flags: number): void {
    stream.hasHead = true
    const output = this.#output
    const at = output.reserve(frameHeaderBytes + block.length)
    writeFrameKind(output.bytes, at, frameType.headers, endHeaders | flags)
    patchFrame(output.bytes, at, block.length, stream.id)
    output.bytes.set(block, at + frameHeaderBytes)
  }

  #queue(stream: Stream, payload: Buffer, tail: Uint8Array | null | undefined): void {
    this.queued += payload.length
    if (stream.outgoing === null) stream.outgoing = new Outgoing(payload, tail)
    else {
      stream.outgoing.append(payload)
      stream.outgoing.tail = tail
    }
    this.#waiting.add(stream)
    this.#pump(stream)
  }

  #pump(stream: Stream): void {
    const { outgoing } = stream
    if (outgoing === null) return
    const output = this.#output
    while (outgoing.left > 0) {
      const window = Math.min(this.window, this.initialWindow + stream.sendDelta)
      if (window <= 0) return
      const length = Math.min(outgoing.left, window, maxFrameBytes)
      const ends = outgoing.tail === null && length === outgoing.left
      const at = output.reserve(frameHeaderBytes + length)
      writeFrameKind(output.bytes, at, frameType.data, ends ? endStream : none)
      patchFrame(output.bytes, at, length, stream.id)
      outgoing.bytes.copy(output.bytes, at + frameHeaderBytes, outgoing.at, outgoing.at + length)
      outgoing.at += length
      this.window -= length
      stream.sendDelta -= length
      this.queued -= length
    }
    const { tail } = outgoing
    this.drop(stream)
    if (tail === undefined) return
    if (tail !== null) this.#head(stream, tail, endStream)
    this.#onSent(stream)
  }
}

function messageOf(bytes: Uint8Array, length: number): Buffer {
  const message = Buffer.allocUnsafe(prefixBytes + length)
  message[0] = 0
  writeUint32(message, 1, length)
  asBuffer(bytes).copy(message, prefixBytes, 0, length)
  return message
}

/** `copy` of Buffer costs half of `set`, and of a loop over some dozen octets. */
function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes instanceof Buffer) return bytes
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function patchStream(bytes: Uint8Array, frameAt: number, id: number): void {
  writeUint32(bytes, frameAt + 5, id)
}
