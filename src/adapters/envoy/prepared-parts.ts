/**
 * What was prepared for objects that come again, forgotten with them: at most `max` parts, those used
 * last. Two halves take turns, since nothing else of a map is as cheap as asking it.
 */
export class PreparedParts<Key extends WeakKey, Part> {
  readonly #half: number
  #recent = new WeakMap<Key, Part>()
  #earlier = new WeakMap<Key, Part>()
  #kept = 0

  constructor(max: number) {
    this.#half = Math.ceil(max / 2)
  }

  get(key: Key): Part | undefined {
    const part = this.#recent.get(key)
    if (part !== undefined) return part
    const earlier = this.#earlier.get(key)
    if (earlier !== undefined) this.set(key, earlier)
    return earlier
  }

  set(key: Key, part: Part): void {
    if (!this.#recent.has(key)) {
      if (this.#kept >= this.#half) {
        this.#earlier = this.#recent
        this.#recent = new WeakMap()
        this.#kept = 0
      }
      this.#kept += 1
    }
    this.#recent.set(key, part)
  }
}
