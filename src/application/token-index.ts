/** What is found by the bytes of its text. The numbers are for the index alone to change. */
export interface IndexedToken {
  /** The whole credential, as a header carries it. */
  readonly text: string
  /** Where its bytes lie (-1: nowhere), and the hash of them. */
  slot: number
  hash: number
}

/** What is set aside for each: the length of its text, and then its bytes. */
const slotBits = 10
const lengthBytes = 2
const maxLength = (1 << slotBits) - lengthBytes
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
 * six places that are far apart. Nothing of the token itself is looked at: it lies in yet another. Only what was
 * verified may be added: the bytes that are hashed are then of a signature, which nobody chooses; the seed differs
 * from process to process besides. A class, for its fields are looked at for every request.
 */
export class TokenIndex<Token extends IndexedToken> {
  readonly #seed: number
  readonly #chunks: Buffer[] = []
  /** By slot. */
  readonly #tokens: (Token | undefined)[] = []
  readonly #free: number[] = []
  /**
   * Open addressing: of each place the slot, from 1 (0: nobody's), and its hash. A power of two of places, at most
   * half of them taken.
   */
  #places = new Int32Array(2 * leastPlaces)
  #mask = leastPlaces - 1
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
    for (let step = 0; step < maxSteps; step += 1) {
      const at = 2 * ((hash + step) & this.#mask)
      const slot = (places[at] as number) - 1
      if (slot === -1) return undefined
      if (places[at + 1] !== hash) continue
      const chunk = this.#chunks[slot >> chunkBits] as Buffer
      const from = textOf(slot)
      if (lengthOf(chunk, from) !== length) continue
      if (bytes.compare(chunk, from, from + length, start, end) === 0) return this.#tokens[slot]
    }
    return undefined
  }

  /** Adds a token whose text nobody else here has. One that is too long, or no ASCII, is left out. */
  add(token: Token): void {
    const { length } = token.text
    if (token.slot !== -1 || length > maxLength || length < hashedBytes) return
    // Only of ASCII every character is one byte.
    if (!isAscii(token.text)) return
    const slot = this.#free.pop() ?? this.#tokens.push(undefined) - 1
    const chunk = (this.#chunks[slot >> chunkBits] ??= Buffer.allocUnsafeSlow(
      1 << (slotBits + chunkBits),
    ))
    const from = textOf(slot)
    chunk.writeUInt16LE(length, from - lengthBytes)
    chunk.write(token.text, from, length, 'latin1')
    token.slot = slot
    token.hash = this.#hashOf(chunk, from + length)
    this.#tokens[slot] = token
    this.#size += 1
    if (2 * this.#size > this.#mask) this.#grow()
    this.#put(slot, token.hash)
  }

  /** Removes a token, if it is here. Those behind it move up: a look-up ends where nobody is. */
  remove(token: Token): void {
    if (token.slot === -1) return
    const [mask, places] = [this.#mask, this.#places]
    let gap = token.hash & mask
    while (places[2 * gap] !== token.slot + 1) gap = (gap + 1) & mask
    for (let at = (gap + 1) & mask; places[2 * at] !== 0; at = (at + 1) & mask) {
      const hash = places[2 * at + 1] as number
      // One that would come to stand before its own place stays.
      if (((at - hash) & mask) < ((at - gap) & mask)) continue
      places.copyWithin(2 * gap, 2 * at, 2 * at + 2)
      gap = at
    }
    places[2 * gap] = 0
    this.#tokens[token.slot] = undefined
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

  #put(slot: number, hash: number): void {
    const [mask, places] = [this.#mask, this.#places]
    let at = hash & mask
    while (places[2 * at] !== 0) at = (at + 1) & mask
    places[2 * at] = slot + 1
    places[2 * at + 1] = hash
  }

  #grow(): void {
    const before = this.#places
    this.#places = new Int32Array(2 * before.length)
    this.#mask = before.length - 1
    for (let at = 0; at < before.length; at += 2) {
      const slot = (before[at] as number) - 1
      if (slot !== -1) this.#put(slot, before[at + 1] as number)
    }
  }
}

/** Where the text of a slot begins in its chunk. */
function textOf(slot: number): number {
  return ((slot & chunkMask) << slotBits) + lengthBytes
}

/** How long the text is that begins there. */
function lengthOf(chunk: Buffer, from: number): number {
  return (chunk[from - 2] as number) | ((chunk[from - 1] as number) << 8)
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}
