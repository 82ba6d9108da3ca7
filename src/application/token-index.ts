/** What is found by the bytes of its text. The numbers are for the index alone to change. */
export interface IndexedToken {
  /** The whole credential, as a header carries it. */
  readonly text: string
  /** How many bytes it has, where they lie (-1: nowhere), and the hash of them. */
  length: number
  slot: number
  hash: number
}

/** The longest text that is indexed, in bytes; as much is set aside for each. */
const slotBits = 10
const maxLength = 1 << slotBits
/** Slots that memory is asked for at once; what is not written to takes none. */
const chunkBits = 12
const chunkMask = (1 << chunkBits) - 1
/** The last bytes, which are told apart by: of a token they are of its signature. */
const hashedBytes = 12
const leastPlaces = 1_024
/** A look-up goes no farther from where a token should be. */
const maxSteps = 64

/**
 * Tokens by the bytes of their text, all of which are compared. To make a text of the bytes of a message, and
 * to hash that, costs more than all the rest of a look-up, and these lie in one piece, while a map looks into
 * six places that are far apart. Only what was verified may be added: the bytes that are hashed are then of
 * a signature, which nobody chooses; the seed differs from process to process besides. A class, for its
 * fields are looked at for every request.
 */
export class TokenIndex<Token extends IndexedToken> {
  readonly #seed: number
  readonly #chunks: Buffer[] = []
  readonly #free: number[] = []
  #slots = 0
  /** Open addressing; a power of two, at most half full. */
  #places: (Token | undefined)[] = new Array<undefined>(leastPlaces).fill(undefined)
  /** Beside them, so that growing looks into no token. */
  #hashes = new Int32Array(leastPlaces)
  #size = 0

  constructor(seed: number) {
    this.#seed = seed | 0
  }

  /** The token whose text has exactly these bytes. */
  find(bytes: Buffer, start: number, end: number): Token | undefined {
    const length = end - start
    if (length > maxLength || length < hashedBytes) return undefined
    const hash = this.#hashOf(bytes, end)
    const places = this.#places
    const mask = places.length - 1
    for (let step = 0; step < maxSteps; step += 1) {
      const token = places[(hash + step) & mask]
      if (token === undefined) return undefined
      if (token.hash === hash && token.length === length) {
        const chunk = this.#chunks[token.slot >> chunkBits] as Buffer
        const from = (token.slot & chunkMask) << slotBits
        if (bytes.compare(chunk, from, from + length, start, end) === 0) return token
      }
    }
    return undefined
  }

  /** Adds a token whose text nobody else here has. One that is too long, or no ASCII, is left out. */
  add(token: Token): void {
    const { length } = token.text
    if (token.slot !== -1 || length > maxLength || length < hashedBytes) return
    const slot = this.#free.pop() ?? this.#slots++
    const chunk = (this.#chunks[slot >> chunkBits] ??= Buffer.allocUnsafeSlow(
      1 << (slotBits + chunkBits),
    ))
    const from = (slot & chunkMask) << slotBits
    // Only of ASCII every character is one byte.
    if (!isAscii(token.text) || chunk.write(token.text, from, maxLength, 'latin1') !== length) {
      this.#free.push(slot)
      return
    }
    token.length = length
    token.slot = slot
    token.hash = this.#hashOf(chunk, from + length)
    this.#size += 1
    if (2 * this.#size > this.#places.length) this.#grow()
    this.#put(token, token.hash)
  }

  /** Removes a token, if it is here. Those behind it move up: a look-up ends where nothing is. */
  remove(token: Token): void {
    if (token.slot === -1) return
    const mask = this.#places.length - 1
    let gap = token.hash & mask
    while (this.#places[gap] !== token) gap = (gap + 1) & mask
    for (let at = (gap + 1) & mask; this.#places[at] !== undefined; at = (at + 1) & mask) {
      const hash = this.#hashes[at] as number
      // One that would come to stand before its own place stays.
      if (((at - hash) & mask) < ((at - gap) & mask)) continue
      this.#places[gap] = this.#places[at]
      this.#hashes[gap] = hash
      gap = at
    }
    this.#places[gap] = undefined
    this.#free.push(token.slot)
    token.slot = -1
    this.#size -= 1
  }

  /** Of the bytes before `end`. */
  #hashOf(bytes: Buffer, end: number): number {
    let hash = this.#seed
    for (let at = end - hashedBytes; at < end; at += 4) {
      const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
      const high = ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)
      hash = Math.imul(hash ^ low ^ high, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    hash = Math.imul(hash, 0x85ebca6b)
    return hash ^ (hash >>> 13)
  }

  #put(token: Token, hash: number): void {
    const mask = this.#places.length - 1
    let at = hash & mask
    while (this.#places[at] !== undefined) at = (at + 1) & mask
    this.#places[at] = token
    this.#hashes[at] = hash
  }

  #grow(): void {
    const [places, hashes] = [this.#places, this.#hashes]
    this.#places = new Array<undefined>(2 * places.length).fill(undefined)
    this.#hashes = new Int32Array(2 * places.length)
    for (let at = 0; at < places.length; at += 1) {
      const token = places[at]
      if (token !== undefined) this.#put(token, hashes[at] as number)
    }
  }
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}
