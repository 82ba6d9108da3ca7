/** Streams whose resets are remembered, for what was on its way when they were sent. */
const maxResets = 1_024
/** Gaps between ids that are remembered. */
const maxGaps = 16

/**
 * What has to be known of streams that are over: how frames on them are judged depends on how they
 * ended (RFC 9113 section 5.1).
 */
export class PastStreams {
  /** Highest id that the peer has opened. */
  last = 0
  readonly #resets = new Set<number>()
  #gaps: (readonly [from: number, to: number])[] = []

  /** The peer opens a stream; those it leaves out are closed by that (section 5.1.1). */
  open(id: number): void {
    if (id > this.last + 2) {
      this.#gaps.push([this.last + 1, id - 1])
      if (this.#gaps.length > maxGaps) this.#gaps.shift()
    }
    this.last = id
  }

  /** We have reset the stream: what the peer sent before it knew is to be ignored. */
  reset(id: number): void {
    this.#resets.add(id)
    if (this.#resets.size <= maxResets) return
    const [oldest] = this.#resets
    if (oldest !== undefined) this.#resets.delete(oldest)
  }

  wasReset(id: number): boolean {
    return this.#resets.has(id)
  }

  /** Whether the peer has never used an id that is not above the highest. */
  wasLeftOut(id: number): boolean {
    return this.#gaps.some(([from, to]) => from <= id && id <= to)
  }
}
