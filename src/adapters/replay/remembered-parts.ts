import { isUtf8 } from 'node:buffer'

/** How long a part may be, in bytes. */
export const maxPartLength = 2_048
/** Bytes of parts that are remembered; beyond them all are forgotten. */
const maxBytes = 256 * 1024

/**
 * Parts of lines that come again and again, each parsed once. `parse` is given the text as it stands
 * in the line, and returns undefined where it is not what the part has to be.
 */
export class RememberedParts<T> {
  readonly #known = new Map<string, T>()
  #bytes = 0
  /** How often a part was known, since all were forgotten. */
  #found = 0
  #isUseful = true
  readonly #parse: (text: string) => T | undefined

  constructor(parse: (text: string) => T | undefined) {
    this.#parse = parse
  }

  /**
   * The part that a text holds, each character of which is a byte; undefined: it is none, or parts
   * come too seldom again for remembering them to be worth it.
   */
  read(part: string): T | undefined {
    const known = this.#known.get(part)
    if (known === undefined) return this.#isUseful ? this.#readNew(part) : undefined
    this.#found += 1
    return known
  }

  #readNew(part: string): T | undefined {
    const bytes = Buffer.from(part, 'latin1')
    // A line feed ends the line; where bytes are no UTF-8, others would stand for them.
    if (part.includes('\n') || !isUtf8(bytes)) return undefined
    const parsed = this.#parse(bytes.toString('utf8'))
    if (parsed === undefined) return undefined
    this.#bytes += part.length
    if (this.#bytes > maxBytes) this.#forget()
    // A text of its own: one that was cut out would hold all that it was cut from.
    this.#known.set(bytes.toString('latin1'), parsed)
    return parsed
  }

  #forget(): void {
    this.#isUseful = this.#found >= this.#known.size
    this.#known.clear()
    this.#bytes = 0
    this.#found = 0
  }
}
