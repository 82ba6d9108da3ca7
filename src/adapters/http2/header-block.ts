import type { Frame } from './frame.ts'
import type { LeanLimits } from './limits.ts'

/**
 * A header block that comes in several frames (RFC 9113 section 6.10). It is bounded in octets, in
 * frames, as they may be empty, and by the session in time (CVE-2024-27316 and its family).
 */
export class HeaderBlock {
  /** The stream whose block is open; no other frame may come meanwhile. 0: none is. */
  streamId = 0
  beganMs = 0
  #flags = 0
  #dependsOnItself = false
  #bytes: Buffer = Buffer.alloc(0)
  #length = 0
  #frames = 0
  readonly #limits: LeanLimits

  constructor(limits: LeanLimits) {
    this.#limits = limits
  }

  /** Keeps the fragment of a HEADERS frame; false if that is too much. */
  begin(frame: Frame, dependsOnItself: boolean, nowMs: number): boolean {
    this.streamId = frame.streamId
    this.beganMs = nowMs
    this.#flags = frame.flags
    this.#dependsOnItself = dependsOnItself
    this.#frames = 0
    this.#length = 0
    return this.add(frame)
  }

  /** Keeps the fragment of a CONTINUATION frame; false if that is too much. */
  add(frame: Frame): boolean {
    const length = this.#length + frame.end - frame.start
    this.#frames += 1
    if (this.#frames > this.#limits.maxHeaderBlockFrames) return false
    if (length > this.#limits.maxHeaderBlockBytes) return false
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(length * 2)
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    this.#bytes.set(frame.bytes.subarray(frame.start, frame.end), this.#length)
    this.#length = length
    return true
  }

  /** Makes `frame` one HEADERS frame with the whole block; gives whether it depends on itself. */
  finish(frame: Frame): boolean {
    frame.flags = this.#flags
    frame.bytes = this.#bytes
    frame.start = 0
    frame.end = this.#length
    this.streamId = 0
    this.#bytes = Buffer.alloc(0)
    return this.#dependsOnItself
  }
}
