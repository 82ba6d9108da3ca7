import { LRUCache } from 'lru-cache'
import type { BoundedMap, BoundedMapOptions } from '../../ports/bounded-map.ts'

/** Makes a map that forgets what was used least recently (`CreateBoundedMap`). */
export function createBoundedMap<V>(options: BoundedMapOptions<V>): BoundedMap<V> {
  const { maxBytes, maxEntries, onRemoved, sizeOf } = options
  // Values are boxed: the library takes objects alone, and a value may be undefined or a number.
  const cache = new LRUCache<string, { readonly value: V }>({
    max: maxEntries,
    maxSize: maxBytes,
    // The library refuses sizes that are not positive integers.
    sizeCalculation: ({ value }, key) => Math.max(1, Math.ceil(sizeOf(value, key))),
    ...(onRemoved !== undefined && { disposeAfter: ({ value }, key) => onRemoved(value, key) }),
  })
  return {
    get: (key) => cache.get(key)?.value,
    peek: (key) => cache.peek(key)?.value,
    set: (key, value) => void cache.set(key, { value }),
    delete: (key) => void cache.delete(key),
    clear: () => cache.clear(),
    entries: () => cache.size,
    bytes: () => cache.calculatedSize,
  }
}
