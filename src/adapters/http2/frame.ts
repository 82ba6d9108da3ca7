import { frameFlag } from './protocol.ts'

/**
 * The frame being judged; one object for all frames of a connection. Its payload is
 * `bytes[start..end)`, which is valid until the frame is dealt with.
 */
export class Frame {
  type = 0
  flags = 0
  streamId = 0
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** Octets of the whole payload: what counts for flow control, also when padding is cut off. */
  length = 0

  has(flag: number): boolean {
    return (this.flags & flag) !== 0
  }

  /** Cuts off padding (RFC 9113 section 6.1); false if there is as much as payload, or more. */
  unpad(): boolean {
    if ((this.flags & frameFlag.padded) === 0) return true
    if (this.start === this.end) return false
    const padding = this.bytes[this.start] as number
    if (padding >= this.end - this.start) return false
    this.start += 1
    this.end -= padding
    return true
  }
}
