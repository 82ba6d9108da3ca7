/** A map that forgets what was used least recently, to stay within a number and a size. */
export interface BoundedMap<V> {
  /** The value, which counts as used now. */
  readonly get: (key: string) => V | undefined
  /** The value, without using it. */
  readonly peek: (key: string) => V | undefined
  /** A value larger than the whole map is not kept, and takes the place of none. */
  readonly set: (key: string, value: V) => void
  readonly delete: (key: string) => void
  readonly clear: () => void
  readonly entries: () => number
  readonly bytes: () => number
}

/** Bounds of a map, and what is told of what leaves it. */
export interface BoundedMapOptions<V> {
  readonly maxEntries: number
  readonly maxBytes: number
  /** Roughly what a value and its key hold, in bytes. */
  readonly sizeOf: (value: V, key: string) => number
  /** Told of every value that leaves the map in any way: evicted, deleted, cleared or replaced. */
  readonly onRemoved?: (value: V, key: string) => void
}

/** Makes bounded maps. */
export type CreateBoundedMap = <V>(options: BoundedMapOptions<V>) => BoundedMap<V>
