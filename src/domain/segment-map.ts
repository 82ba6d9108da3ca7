interface Entry<V> {
  readonly text: string
  readonly value: V
}

const leastSlots = 16

/**
 * Values by the segment of a path, found without cutting it out: a map of texts would make a text of it and
 * hash that each time, which costs twice as much. Texts come from the policy, so nobody else can choose them
 * to share a place.
 */
export class SegmentMap<V> {
  /** Open addressing; a power of two, at most half full. */
  #slots: (Entry<V> | undefined)[] = new Array<undefined>(leastSlots).fill(undefined)
  #size = 0

  /** The value of the segment `path[start..stop)`. */
  find(path: string, start: number, stop: number): V | undefined {
    const slots = this.#slots
    const mask = slots.length - 1
    const length = stop - start
    for (let at = hashOf(path, start, stop) & mask; ; at = (at + 1) & mask) {
      const entry = slots[at]
      if (entry === undefined) return undefined
      if (entry.text.length === length && path.startsWith(entry.text, start)) return entry.value
    }
  }

  /** Adds a text that is not here yet. */
  add(text: string, value: V): void {
    this.#size += 1
    if (2 * this.#size > this.#slots.length) this.#grow()
    this.#place({ text, value })
  }

  *values(): Iterable<V> {
    for (const entry of this.#slots) if (entry !== undefined) yield entry.value
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = new Array<undefined>(2 * before.length).fill(undefined)
    for (const entry of before) if (entry !== undefined) this.#place(entry)
  }

  #place(entry: Entry<V>): void {
    const mask = this.#slots.length - 1
    let at = hashOf(entry.text, 0, entry.text.length) & mask
    while (this.#slots[at] !== undefined) at = (at + 1) & mask
    this.#slots[at] = entry
  }
}

function hashOf(text: string, start: number, stop: number): number {
  let hash = stop - start
  for (let at = start; at < stop; at += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return (hash ^ (hash >>> 15)) >>> 0
}
