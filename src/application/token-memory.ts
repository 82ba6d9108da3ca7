import type { Identity } from '../domain/identity.ts'
import type { CreateBoundedMap } from '../ports/bounded-map.ts'

/**
 * Identities of tokens whose signature and claims held, by the whole credential (`Bearer` and the
 * token): its signature alone says nothing of what it signs. Their times are checked anew at each use.
 */
export interface TokenMemory {
  readonly get: (credential: string, nowMs: number) => Identity | undefined
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
}

/** What an entry costs beyond its credential. Measured. */
const entryOverheadBytes = 1_000

/** Makes an empty memory of tokens. */
export function createTokenMemory(options: TokenMemoryOptions): TokenMemory {
  const identities = options.createMap<Identity>({
    maxEntries: options.maxEntries,
    maxBytes: options.maxBytes,
    sizeOf: (_identity, credential) => entryOverheadBytes + 2 * credential.length,
  })
  let hits = 0
  let misses = 0
  let epoch = 0
  return {
    get(credential, nowMs) {
      const identity = identities.get(credential)
      if (identity === undefined) return undefined
      hits += 1
      if (identity.expiresAtS * 1000 <= nowMs) identities.delete(credential)
      return identity
    },
    missed() {
      misses += 1
    },
    epoch: () => epoch,
    set(credential, identity, verifiedIn) {
      if (verifiedIn === epoch) identities.set(credential, identity)
    },
    clear() {
      epoch += 1
      identities.clear()
    },
    usage: () => ({ entries: identities.entries(), bytes: identities.bytes(), hits, misses }),
  }
}
