import { prefixBytes } from './message.ts'
import { readUint32 } from './octets.ts'

const leastCapacity = 4_096

/** Octets that the unfinished messages of one connection may take together. */
export class BodyBudget {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes
  }

  take(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    return true
  }

  give(bytes: number): void {
    this.#left += bytes
  }

  get left(): number {
    return this.#left
  }
}

/**
 * The DATA of a request that comes in parts. It grows with what has come, not with what the prefix
 * promises, and by no more than a message may have.
 */
export class Body {
  bytes: Buffer = Buffer.alloc(0)
  length = 0
  readonly #budget: BodyBudget
  readonly #maxBytes: number

  /** `maxBytes` is of a message without its prefix. */
  constructor(budget: BodyBudget, maxBytes: number) {
    this.#budget = budget
    this.#maxBytes = maxBytes
  }

  /** Adds `source[start..end)`; false if it is too much for a message, or for the connection. */
  add(source: Uint8Array, start: number, end: number): boolean {
    const length = this.length + end - start
    if (length > this.bytes.length && !this.#grow(length)) return false
    this.bytes.set(source.subarray(start, end), this.length)
    this.length = length
    // What is announced as too long is known as such before it has come.
    return length < prefixBytes || readUint32(this.bytes, 1) <= this.#maxBytes
  }

  /** Gives its octets back to the budget; it must not be used again. */
  release(): void {
    this.#budget.give(this.bytes.length)
    this.bytes = Buffer.alloc(0)
    this.length = 0
  }

  #grow(length: number): boolean {
    // One octet more than a message may have: that there are several is seen by it.
    const most = this.#maxBytes + prefixBytes + 1
    if (length > most) return false
    const capacity = Math.min(most, Math.max(length, this.bytes.length * 2, leastCapacity))
    if (!this.#budget.take(capacity - this.bytes.length)) return false
    const bytes = Buffer.allocUnsafeSlow(capacity)
    this.bytes.copy(bytes, 0, 0, this.length)
    this.bytes = bytes
    return true
  }
}
