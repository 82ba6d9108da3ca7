/** What is found by its segment: the value says it itself, so that there is no entry to look at besides. */
interface Named {
  readonly segment: string
}

const leastSlots = 16

/**
 * Values by the segment of a path, found without cutting it out: a map of texts would make a text of it and
 * hash that each time, which costs twice as much. Texts come from the policy, so nobody else can choose them
 * to share a place.
 */
export class SegmentMap<V extends Named> {
  /** Open addressing; a power of two, at most a quarter full: a wrong one costs as much as the right one. */
  #slots: (V | undefined)[] = new Array<undefined>(leastSlots).fill(undefined)
  #size = 0

  /** The value of the segment `path[start..stop)`. */
  find(path: string, start: number, stop: number): V | undefined {
    const slots = this.#slots
    const mask = slots.length - 1
    const length = stop - start
    for (let at = hashOf(path, start, stop) & mask; ; at = (at + 1) & mask) {
      const value = slots[at]
      if (value === undefined) return undefined
      const { segment } = value
      if (segment.length === length && path.startsWith(segment, start)) return value
    }
  }

  /** Adds a value whose segment is not here yet. */
  add(value: V): void {
    this.#size += 1
    if (4 * this.#size > this.#slots.length) this.#grow()
    this.#place(value)
  }

  *values(): Iterable<V> {
    for (const value of this.#slots) if (value !== undefined) yield value
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = new Array<undefined>(2 * before.length).fill(undefined)
    for (const value of before) if (value !== undefined) this.#place(value)
  }

  #place(value: V): void {
    const mask = this.#slots.length - 1
    let at = hashOf(value.segment, 0, value.segment.length) & mask
    while (this.#slots[at] !== undefined) at = (at + 1) & mask
    this.#slots[at] = value
  }
}

function hashOf(text: string, start: number, stop: number): number {
  let hash = stop - start
  for (let at = start; at < stop; at += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return (hash ^ (hash >>> 15)) >>> 0
}
