import type { BufferPool } from './buffer-pool.ts'

/** What of a socket the output needs; `net.Socket` and `tls.TLSSocket` are such. */
export interface OutputSocket {
  readonly write: (bytes: Buffer) => boolean
  /** Octets that the kernel has not taken yet. */
  readonly writableLength: number
}

/**
 * What goes to a peer, gathered until `flush`, so that all answers of one read are one write. The
 * caller fills in what it reserves.
 */
export class Output {
  /** Where the next frames are written; valid from `reserve` to the next `reserve` or `flush`. */
  bytes: Buffer = empty
  #length = 0
  readonly #socket: OutputSocket
  readonly #pool: BufferPool
  /** The buffer that the socket may still read from. */
  #lent: Buffer | null = null
  #written = 0
  #isOver = false
  /** The socket holds more than it likes; 'drain' tells when it does no longer. */
  isCongested = false

  constructor(socket: OutputSocket, pool: BufferPool) {
    this.#socket = socket
    this.#pool = pool
  }

  /** Makes room for `length` octets, at most the pool's size; gives their place in `bytes`. */
  reserve(length: number): number {
    const at = this.#length
    if (at + length > this.bytes.length) return this.#reserveAnew(length)
    this.#length = at + length
    return at
  }

  /** Adds octets as they are. */
  add(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.bytes.set(bytes, at)
  }

  /** Octets that wait here or in the socket. */
  get waiting(): number {
    return this.#length + this.#socket.writableLength
  }

  /** Octets that the kernel took, since the beginning. */
  get taken(): number {
    return this.#written - this.#socket.writableLength
  }

  /** Writes what was gathered. */
  flush(): void {
    const length = this.#length
    if (length === 0) return
    const bytes = this.bytes
    this.bytes = empty
    this.#length = 0
    if (this.#isOver) {
      this.#pool.give(bytes)
      return
    }
    this.#written += length
    const isHeldUp = this.#socket.writableLength > 0
    const part = bytes.subarray(0, length)
    // A socket that is held up must not keep a large buffer for each small answer.
    if (!this.#socket.write(isHeldUp ? Buffer.from(part) : part)) this.isCongested = true
    // With room in the kernel it has been copied; else it is the socket's until all is written.
    if (isHeldUp || this.#socket.writableLength === 0) this.#pool.give(bytes)
    else this.#lent = bytes
  }

  /** Takes back what the socket is done with. */
  reclaim(): void {
    if (this.#lent === null || this.#socket.writableLength !== 0) return
    this.#pool.give(this.#lent)
    this.#lent = null
  }

  /** From now on what is written is dropped: the socket is closed, or about to be. */
  end(): void {
    this.#isOver = true
  }

  #reserveAnew(length: number): number {
    this.flush()
    if (this.#lent !== null) this.reclaim()
    this.bytes = this.#pool.take()
    this.#length = length
    return 0
  }
}

const empty = Buffer.alloc(0)
