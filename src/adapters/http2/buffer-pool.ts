/** Buffers of one size that are used again: making one of 64 KiB costs more than a read. */
export class BufferPool {
  readonly size: number
  readonly #maxFree: number
  readonly #free: Buffer[] = []

  /** `maxFree` buffers are kept for the next who asks. */
  constructor(size: number, maxFree: number) {
    this.size = size
    this.#maxFree = maxFree
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.size)
  }

  /** Whoever gives a buffer back must not touch it again. */
  give(buffer: Buffer): void {
    if (this.#free.length < this.#maxFree) this.#free.push(buffer)
  }
}
