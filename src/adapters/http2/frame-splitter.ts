import type { BufferPool } from './buffer-pool.ts'
import { Frame } from './frame.ts'
import { readUint24, readUint31 } from './octets.ts'
import { frameHeaderBytes, maxFrameBytes } from './protocol.ts'

/** Takes the frames of a connection. */
export interface FrameSink {
  readonly frame: (frame: Frame) => void
  /** A frame is announced that is longer than any may be. */
  readonly oversized: () => void
  /** Nothing more is wanted. */
  readonly isOver: () => boolean
}

/**
 * Cuts what comes into frames (RFC 9113 section 4). Whole ones are handed over where they lie; of one
 * that comes in parts, and of no other, the octets are kept.
 */
export class FrameSplitter {
  readonly #sink: FrameSink
  readonly #pool: BufferPool
  readonly #frame = new Frame()
  /** Frames that came in parts. */
  begun = 0
  #kept: Buffer | null = null
  #keptLength = 0

  /** Buffers of the pool must hold the longest frame with its header. */
  constructor(sink: FrameSink, pool: BufferPool) {
    this.#sink = sink
    this.#pool = pool
  }

  /** Whether a frame has begun and not ended. */
  get isWithinFrame(): boolean {
    return this.#keptLength > 0
  }

  /** Takes `bytes[start..end)`, which may be overwritten once it returns. */
  push(bytes: Buffer, start: number, end: number): void {
    let at = this.#keptLength === 0 ? start : this.#complete(bytes, start, end)
    while (end - at >= frameHeaderBytes) {
      const next = at + frameHeaderBytes + readUint24(bytes, at)
      if (next > end && this.#fits(bytes, at)) break
      if (next > end || !this.#hand(bytes, at)) return
      at = next
    }
    if (at < end) this.#keep(bytes, at, end)
  }

  /** Adds to the frame that is kept, and hands it over if it is whole now; gives what is used up. */
  #complete(bytes: Buffer, start: number, end: number): number {
    const kept = this.#kept as Buffer
    let at = start
    if (this.#keptLength < frameHeaderBytes) {
      at = this.#fill(bytes, at, Math.min(end, at + frameHeaderBytes - this.#keptLength))
      if (this.#keptLength < frameHeaderBytes) return end
      if (!this.#fits(kept, 0)) return end
    }
    const whole = frameHeaderBytes + readUint24(kept, 0)
    at = this.#fill(bytes, at, Math.min(end, at + whole - this.#keptLength))
    if (this.#keptLength < whole) return end
    this.#kept = null
    this.#keptLength = 0
    const goesOn = this.#hand(kept, 0)
    this.#pool.give(kept)
    return goesOn ? at : end
  }

  #fill(bytes: Buffer, from: number, to: number): number {
    this.#keptLength += bytes.copy(this.#kept as Buffer, this.#keptLength, from, to)
    return to
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    this.begun += 1
    this.#kept = this.#pool.take()
    this.#keptLength = bytes.copy(this.#kept, 0, from, to)
  }

  /** Whether a frame's length is allowed; it is judged before its payload is waited for. */
  #fits(bytes: Buffer, at: number): boolean {
    if (readUint24(bytes, at) <= maxFrameBytes) return true
    this.#sink.oversized()
    return false
  }

  /** Hands over a whole frame; false if that was the last. */
  #hand(bytes: Buffer, at: number): boolean {
    if (!this.#fits(bytes, at)) return false
    this.#sink.frame(this.#read(bytes, at))
    return !this.#sink.isOver()
  }

  #read(bytes: Buffer, at: number): Frame {
    const frame = this.#frame
    frame.length = readUint24(bytes, at)
    frame.type = bytes[at + 3] as number
    frame.flags = bytes[at + 4] as number
    frame.streamId = readUint31(bytes, at + 5)
    frame.bytes = bytes
    frame.start = at + frameHeaderBytes
    frame.end = frame.start + frame.length
    return frame
  }
}
