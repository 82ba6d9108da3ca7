import { createLocalJWKSet, type JWK } from 'jose'
import { AppError } from '../../domain/errors.ts'
import type { KeySource } from '../../ports/key-source.ts'
import { usableKeys } from './public-keys.ts'

/** Picks the key of a token by its header, among keys that are each bound to an algorithm. */
export type KeySelector = ReturnType<typeof createLocalJWKSet>

/** The issuer's public keys as last read: kept while their source is down, read again in time. */
export interface KeyRing {
  /** The keys now; rejects (`KEYS_UNAVAILABLE`) while none were ever read. */
  readonly current: () => Promise<KeySelector>
  /** Reads the keys again because a token names one that is not here; not more often than allowed. */
  readonly refresh: () => Promise<KeySelector>
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
  let selector: KeySelector | undefined
  let keys: readonly JWK[] = []
  let readAtMs: number | null = null
  let triedAtMs = -Infinity
  let reading: Promise<void> | undefined

  function read(): Promise<void> {
    triedAtMs = deps.monotonicNow()
    reading ??= deps.source
      .load()
      .then((published) => {
        const usable = usableKeys(published)
        // A source that suddenly publishes nothing is broken, not a reason to lock everyone out.
        if (usable.length === 0) throw new AppError('KEYS_UNAVAILABLE', 'the key set is empty')
        if (keys.length > 0 && JSON.stringify(keys) !== JSON.stringify(usable)) deps.onChanged?.()
        keys = usable
        selector = createLocalJWKSet({ keys: [...usable] })
        readAtMs = deps.monotonicNow()
      })
      .catch((cause: unknown) => deps.onRefreshFailed(cause))
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  async function refresh(): Promise<KeySelector> {
    const waitedMs = deps.monotonicNow() - triedAtMs
    if (reading !== undefined) await reading
    else if (waitedMs >= deps.cooldownMs) await read()
    if (selector === undefined) throw new AppError('KEYS_UNAVAILABLE', 'no key set was read yet')
    return selector
  }

  const timer = setInterval(() => void read(), deps.refreshMs)
  timer.unref()
  void read()
  return {
    refresh,
    current: () => (selector === undefined ? refresh() : Promise.resolve(selector)),
    state: () => ({ keys: keys.length, readAtMs }),
    close: () => clearInterval(timer),
  }
}
