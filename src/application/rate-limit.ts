import type { CreateBoundedMap } from '../ports/bounded-map.ts'

/** How many requests are taken: `burst` at once, and `perMinute` in the long run. */
export interface Rate {
  readonly burst: number
  readonly perMinute: number
}

/** Takes a request, or tells in how many seconds to come again. */
export type RateLimit = (key: string) => { readonly retryAfterS: number } | undefined

/** Keys that are told apart at most; the one not seen for longest is forgotten first. */
const maxKeys = 10_000
const bytesOfBucket = 100

interface Bucket {
  left: number
  atMs: number
}

/** A token bucket a key: what is not used comes back evenly, up to the burst. */
export function createRateLimit(
  { burst, perMinute }: Rate,
  deps: { readonly createMap: CreateBoundedMap; readonly monotonicNow: () => number },
): RateLimit {
  const perMs = perMinute / 60_000
  const buckets = deps.createMap<Bucket>({
    maxEntries: maxKeys,
    maxBytes: maxKeys * bytesOfBucket * 4,
    sizeOf: (_bucket, key) => bytesOfBucket + key.length,
  })
  return (key) => {
    const nowMs = deps.monotonicNow()
    const bucket = buckets.get(key) ?? { left: burst, atMs: nowMs }
    bucket.left = Math.min(burst, bucket.left + (nowMs - bucket.atMs) * perMs)
    bucket.atMs = nowMs
    const taken = bucket.left >= 1
    if (taken) bucket.left -= 1
    buckets.set(key, bucket)
    return taken ? undefined : { retryAfterS: Math.ceil((1 - bucket.left) / perMs / 1_000) }
  }
}
