import type { Identity } from '../domain/identity.ts'
import type { CreateBoundedMap } from '../ports/bounded-map.ts'

/**
 * Identities of tokens whose signature and claims held, by the whole token: its signature alone
 * says nothing of what it signs. Their times are checked anew at each use.
 */
export interface TokenMemory {
  readonly get: (token: string, nowMs: number) => Identity | undefined
  readonly set: (token: string, identity: Identity) => void
  /** The keys have changed: what an old one signed may hold no longer. */
  readonly clear: () => void
  readonly usage: () => { readonly entries: number; readonly bytes: number }
}

/** Bounds of the memory. */
export interface TokenMemoryOptions {
  readonly createMap: CreateBoundedMap
  readonly maxEntries: number
  readonly maxBytes: number
}

/** What an entry costs beyond its token. Measured. */
const entryOverheadBytes = 1_000

/** Makes an empty memory of tokens. */
export function createTokenMemory(options: TokenMemoryOptions): TokenMemory {
  const identities = options.createMap<Identity>({
    maxEntries: options.maxEntries,
    maxBytes: options.maxBytes,
    sizeOf: (_identity, token) => entryOverheadBytes + 2 * token.length,
  })
  return {
    get(token, nowMs) {
      const identity = identities.get(token)
      if (identity !== undefined && identity.expiresAtS * 1000 <= nowMs) identities.delete(token)
      return identity
    },
    set: (token, identity) => identities.set(token, identity),
    clear: identities.clear,
    usage: () => ({ entries: identities.entries(), bytes: identities.bytes() }),
  }
}
