import type { Identity } from '../domain/identity.ts'
import type { RecognisedCredential } from '../domain/request.ts'
import type { CreateBoundedMap } from '../ports/bounded-map.ts'
import { TokenIndex, type IndexedToken } from './token-index.ts'

/**
 * Identities of tokens whose signature and claims held, by the whole credential (`Bearer` and the
 * token): its signature alone says nothing of what it signs. Their times are checked anew at each use.
 */
export interface TokenMemory {
  readonly get: (credential: string, nowMs: number) => Identity | undefined
  /**
   * The credential that `bytes[start..end)` are, if it came before and is remembered: nothing has to be made of
   * the bytes of a message, then, and what it is remembered as is looked up no more.
   */
  readonly recognise: (
    bytes: Buffer,
    start: number,
    end: number,
  ) => RecognisedCredential | undefined
  /** The same as `get`, for what was recognised; undefined where that has been forgotten since. */
  readonly recall: (
    recognised: RecognisedCredential | undefined,
    nowMs: number,
  ) => Identity | undefined
  /** Whose credential was recognised, whatever that is worth now: for who looks ahead (`LookAhead`). */
  readonly ahead: (recognised: RecognisedCredential | undefined) => Identity | undefined
  /** One was asked for in vain: it has to be verified. What is none is asked for too. */
  readonly missed: () => void
  /** Which keys are in force: raised by each `clear`. */
  readonly epoch: () => number
  /** `epoch`: that of before the token was verified; under other keys since, nothing is kept. */
  readonly set: (credential: string, identity: Identity, epoch: number) => void
  /** The keys have changed: what an old one signed may hold no longer. */
  readonly clear: () => void
  readonly usage: () => TokenMemoryUsage
}

/** What the memory holds, and how often it was asked for what it held and for what it did not. */
export interface TokenMemoryUsage {
  readonly entries: number
  readonly bytes: number
  readonly hits: number
  readonly misses: number
}

/** Bounds of the memory. */
export interface TokenMemoryOptions {
  readonly createMap: CreateBoundedMap
  readonly maxEntries: number
  readonly maxBytes: number
  /** Any number, another one in each process. */
  readonly seed?: number
}

/** What an entry costs beyond its credential. Measured. */
const entryOverheadBytes = 1_000

/** A credential that is remembered. A class, so that it can be told from what others recognise. */
class RememberedToken implements IndexedToken {
  readonly text: string
  slot = -1
  hash = 0
  /** Undefined: it has left the memory. */
  identity: Identity | undefined
  readonly memory: object
  /** The age in which it was last looked up in the map, which then noted its use. */
  age: number

  constructor(text: string, identity: Identity, memory: object, age: number) {
    this.text = text
    this.identity = identity
    this.memory = memory
    this.age = age
  }
}

/** So many ages pass while the memory is filled once. */
const agesPerFilling = 16

/** Makes an empty memory of tokens. */
export function createTokenMemory(options: TokenMemoryOptions): TokenMemory {
  const index = new TokenIndex<RememberedToken>(options.seed ?? 0)
  const tokens = options.createMap<RememberedToken>({
    maxEntries: options.maxEntries,
    maxBytes: options.maxBytes,
    sizeOf: (_token, credential) => entryOverheadBytes + 2 * credential.length,
    onRemoved(token) {
      token.identity = undefined
      index.remove(token)
    },
  })
  const setsPerAge = Math.max(1, Math.floor(options.maxEntries / agesPerFilling))
  let setsInAge = 0
  let age = 0
  let hits = 0
  let misses = 0
  let epoch = 0

  /** Told also where it has expired: to say so is for the check. */
  function used({ text }: RememberedToken, identity: Identity, nowMs: number): Identity {
    hits += 1
    if (identity.expiresAtS * 1000 <= nowMs) tokens.delete(text)
    return identity
  }

  return {
    get(credential, nowMs) {
      const token = tokens.get(credential)
      if (token?.identity === undefined) return undefined
      token.age = age
      const { identity } = token
      // It comes a second time: those of a flood, which come once, leave nothing in the index.
      index.add(token)
      return used(token, identity, nowMs)
    },
    recognise: (bytes, start, end) => index.find(bytes, start, end),
    recall(recognised, nowMs) {
      if (!(recognised instanceof RememberedToken) || recognised.memory !== index) return undefined
      const { identity } = recognised
      if (identity === undefined) return undefined
      if (recognised.age !== age) {
        recognised.age = age
        tokens.get(recognised.text)
      }
      return used(recognised, identity, nowMs)
    },
    ahead: (recognised) =>
      recognised instanceof RememberedToken ? recognised.identity : undefined,
    missed() {
      misses += 1
    },
    epoch: () => epoch,
    set(credential, identity, verifiedIn) {
      if (verifiedIn !== epoch) return
      setsInAge += 1
      if (setsInAge >= setsPerAge) {
        setsInAge = 0
        age += 1
      }
      tokens.set(credential, new RememberedToken(credential, identity, index, age))
    },
    clear() {
      epoch += 1
      tokens.clear()
    },
    usage: () => ({ entries: tokens.entries(), bytes: tokens.bytes(), hits, misses }),
  }
}
