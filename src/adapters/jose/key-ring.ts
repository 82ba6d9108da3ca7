import type { JWK } from 'jose'
import { createLocalJWKSet } from 'jose/jwks/local'
import { AppError } from '../../domain/errors.ts'
import type { KeySource } from '../../ports/key-source.ts'
import { importEd25519Keys, isMeant, type Ed25519Keys } from './ed25519-keys.ts'
import { usableKeys } from './public-keys.ts'

/** Public keys that are each bound to an algorithm. */
export interface PublicKeys {
  /** Picks the key of a token by its header. */
  readonly select: ReturnType<typeof createLocalJWKSet>
  /** Those that need no picking by jose. */
  readonly ed25519: Ed25519Keys
  /** Whether there is a key that a token of this header may have been signed with. */
  readonly has: (header: Readonly<Record<string, unknown>>) => boolean
}

/** The issuer's public keys as last read: kept while their source is down, read again in time. */
export interface KeyRing {
  /** The keys now; undefined while none were ever read. */
  readonly known: () => PublicKeys | undefined
  /**
   * Reads the keys again because a token names one that is not here; not more often than allowed.
   * Rejects (`KEYS_UNAVAILABLE`) while none were ever read.
   */
  readonly refresh: () => Promise<PublicKeys>
  /** Whether to ask for that now would change nothing. */
  readonly isFresh: () => boolean
  readonly state: () => { readonly keys: number; readonly readAtMs: number | null }
  readonly close: () => void
}

/** What a key ring rests on. */
export interface KeyRingDeps {
  readonly source: KeySource
  /** How often the keys are read again, in ms. */
  readonly refreshMs: number
  /** The least time between two reads that tokens cause, in ms. */
  readonly cooldownMs: number
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
  readonly onRefreshFailed: (cause: unknown) => void
  /** The keys are others than before: what was verified with those may hold no longer. */
  readonly onChanged?: () => void
}

/** Makes a key ring and begins to read its keys. */
export function createKeyRing(deps: KeyRingDeps): KeyRing {
  let known: PublicKeys | undefined
  let keys: readonly JWK[] = []
  let readAtMs: number | null = null
  let triedAtMs = -Infinity
  let reading: Promise<void> | undefined

  function read(): Promise<void> {
    triedAtMs = deps.monotonicNow()
    reading ??= deps.source
      .load()
      .then(async (published) => {
        const usable = usableKeys(published)
        // A source that suddenly publishes nothing is broken, not a reason to lock everyone out.
        if (usable.length === 0) throw new AppError('KEYS_UNAVAILABLE', 'the key set is empty')
        const next = {
          select: createLocalJWKSet({ keys: [...usable] }),
          ed25519: await importEd25519Keys(usable),
          has: (header: Readonly<Record<string, unknown>>) =>
            usable.some((key) => isMeant(key, header)),
        }
        if (keys.length > 0 && JSON.stringify(keys) !== JSON.stringify(usable)) deps.onChanged?.()
        keys = usable
        known = next
        readAtMs = deps.monotonicNow()
      })
      .catch((cause: unknown) => deps.onRefreshFailed(cause))
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  const isCooling = (): boolean => deps.monotonicNow() - triedAtMs < deps.cooldownMs

  async function refresh(): Promise<PublicKeys> {
    if (reading !== undefined) await reading
    else if (!isCooling()) await read()
    if (known === undefined) throw new AppError('KEYS_UNAVAILABLE', 'no key set was read yet')
    return known
  }

  const timer = setInterval(() => void read(), deps.refreshMs)
  timer.unref()
  void read()
  return {
    refresh,
    known: () => known,
    isFresh: () => reading === undefined && isCooling(),
    state: () => ({ keys: keys.length, readAtMs }),
    close: () => clearInterval(timer),
  }
}
