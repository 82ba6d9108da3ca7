import type { Stream } from './stream.ts'

/**
 * The open streams of a connection. The newest is not put into the map before the next one comes: a
 * request whose message is in the same read is answered by then.
 */
export class StreamTable {
  readonly #older = new Map<number, Stream>()
  #newest: Stream | null = null

  get size(): number {
    return this.#older.size + (this.#newest === null ? 0 : 1)
  }

  find(id: number): Stream | undefined {
    const newest = this.#newest
    return newest !== null && newest.id === id ? newest : this.#older.get(id)
  }

  add(stream: Stream): void {
    const newest = this.#newest
    if (newest !== null) this.#older.set(newest.id, newest)
    this.#newest = stream
  }

  remove(stream: Stream): void {
    if (this.#newest === stream) this.#newest = null
    else this.#older.delete(stream.id)
  }

  /** All of them, oldest first. */
  all(): readonly Stream[] {
    const all = [...this.#older.values()]
    if (this.#newest !== null) all.push(this.#newest)
    return all
  }
}
