/**
 * Our window for a connection (RFC 9113 section 6.9). Every octet of DATA is taken from it and given
 * back, whatever becomes of it: a window that leaks is an outage that does not end.
 */
export class ReceiveWindow {
  #left: number
  #unreturned = 0
  readonly #leastReturn: number

  constructor(bytes: number) {
    this.#left = bytes
    this.#leastReturn = bytes / 2
  }

  /** False if the peer sent more than it may. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false
    this.#left -= bytes
    this.#unreturned += bytes
    return true
  }

  /** What is to be given back now; 0 until it is worth a frame. */
  giveBack(): number {
    const bytes = this.#unreturned
    if (bytes < this.#leastReturn) return 0
    this.#left += bytes
    this.#unreturned = 0
    return bytes
  }
}
