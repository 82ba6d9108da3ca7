const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** What a client says first (RFC 9113 section 3.4). */
export class Preface {
  #seen = 0

  get isDone(): boolean {
    return this.#seen === preface.length
  }

  /** Reads on; gives how many octets belong to it, or -1 if they are something else. */
  read(bytes: Uint8Array, length: number): number {
    const wanted = Math.min(preface.length - this.#seen, length)
    for (let i = 0; i < wanted; i += 1) {
      if (bytes[i] !== preface[this.#seen + i]) return -1
    }
    this.#seen += wanted
    return wanted
  }
}
