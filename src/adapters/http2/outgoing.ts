/** What is left of an answer that the peer's windows do not let through at once. */
export class Outgoing {
  bytes: Buffer
  at = 0
  /** Trailers that end the answer; null: the last DATA frame ends it; undefined: it goes on. */
  tail: Uint8Array | null | undefined
  /** How much was left when it was last seen to become less, and when that was; -1: never. */
  seenLeft = -1
  seenMs = 0

  constructor(bytes: Buffer, tail: Uint8Array | null | undefined) {
    this.bytes = bytes
    this.tail = tail
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  append(bytes: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes.subarray(this.at), bytes])
    this.at = 0
  }
}
