import { unlessAborted } from '../../application/unless-aborted.ts'
import type { Fact, Pair } from '../../domain/fact.ts'
import type { Policy } from '../../domain/policy.ts'
import type { FactCache } from '../../ports/fact-cache.ts'
import type { CreateAuthenticate } from '../../ports/message-authentication.ts'
import { readRedisUrl } from './address.ts'
import { cacheKey, keptPair, type KeptPair } from './cache-key.ts'
import { createEntryReader } from './entry-reader.ts'
import { entryOf } from './entry.ts'
import { createLink } from './link.ts'
import { createSeal } from './seal.ts'

/** What the shared cache rests on. */
export interface RedisFactCacheDeps {
  /** `redis://` or `rediss://`. */
  readonly url: string
  /** Keys of the seal: `TENANTGATE_CACHE_KEY` alone where it is set, else the HS256 secrets. */
  readonly secrets: readonly string[]
  readonly createAuthenticate: CreateAuthenticate
  /** How long after its `verifiedAtMs` an entry expires, in ms. */
  readonly cacheTtlMs: number
  /** How long a look-up may take, in ms; one that takes longer makes the cache unavailable. */
  readonly timeoutMs: number
  readonly policy: () => Policy
  /** Unix time, in ms. */
  readonly now: () => number
  /** Told of every fault, in words without a secret; there may be many a second. */
  readonly onFault: (cause: unknown) => void
  /** Told of writes that were not sent because too many are unanswered or the link is broken. */
  readonly onDropped: (kind: 'put' | 'drop', count: number) => void
  readonly onState: (available: boolean) => void
}

/** The shared cache in Redis, and how to leave it. */
export interface RedisFactCache extends FactCache {
  readonly close: () => Promise<void>
}

const nothing = Promise.resolve(undefined)
const maxUnansweredPuts = 1_000
const maxUnansweredDrops = 10_000

/**
 * Connects in the background; until that worked, and whenever answers are late, it is unavailable.
 * One connection carries every command, so writes are carried out in the order of the calls.
 */
export function createRedisFactCache(deps: RedisFactCacheDeps): RedisFactCache {
  const seal = createSeal(deps.secrets, deps.createAuthenticate)
  const { onFault, onState, timeoutMs, url } = deps
  const link = createLink({ address: readRedisUrl(url), timeoutMs, onFault, onState })
  const reader = createEntryReader({ link, timeoutMs, onFault })
  const unanswered = { put: 0, drop: 0 }

  function write(kind: 'put' | 'drop', command: Parameters<typeof link.send>[0]): void {
    unanswered[kind] += 1
    link
      .send(command)
      .catch(onFault)
      .finally(() => {
        unanswered[kind] -= 1
      })
  }

  function dropped(kind: 'put' | 'drop', count: number): void {
    deps.onDropped(kind, count)
    onFault(new Error(`Redis: ${count} writes (${kind}) were not sent`))
  }

  function get(pair: Pair, signal?: AbortSignal): Promise<Fact | undefined> {
    const kept = keptPair(pair)
    if (kept === undefined || !link.available() || signal?.aborted === true) return nothing
    const answer = reader.read(cacheKey(kept), (bytes) => opened(kept, bytes))
    return signal === undefined ? answer : unlessAborted(answer, signal, () => undefined)
  }

  function opened(kept: KeptPair, bytes: Uint8Array): Fact | undefined {
    try {
      return seal.open(kept, bytes)
    } catch (cause) {
      onFault(cause)
      return undefined
    }
  }

  function put(pair: Pair, fact: Fact): void {
    if (!link.available()) return
    if (unanswered.put >= maxUnansweredPuts) {
      dropped('put', 1)
      return
    }
    try {
      const { cacheTtlMs } = deps
      const rules = { seal, cacheTtlMs, policy: deps.policy(), nowMs: deps.now() }
      const entry = entryOf(pair, fact, rules)
      if (entry === undefined) return
      write('put', (client) => client.set(entry.key, entry.text, 'PXAT', entry.expiresAtMs))
    } catch (cause) {
      onFault(cause)
    }
  }

  function drop(pairs: readonly Pair[]): void {
    const kept = pairs.map(keptPair).filter((pair) => pair !== undefined)
    // Sent on a slow link too, which is better than not at all.
    const room = link.connected() ? maxUnansweredDrops - unanswered.drop : 0
    for (const pair of kept.slice(0, room)) {
      write('drop', (client) => client.del(cacheKey(pair)))
    }
    if (kept.length > room) dropped('drop', kept.length - room)
  }

  return { available: link.available, get, put, drop, close: link.close }
}
