import { ownCopy } from './own-copy.ts'

/** Counts by key, of which a bounded number is told apart; plain data, so that it can be sent. */
export interface KeyCounts {
  readonly width: number
  readonly maxKeys: number
  /** Counts of each key that is told apart. */
  readonly keys: Map<string, number[]>
  /** What was counted for all keys, those told apart and the rest. */
  readonly total: number[]
  /** Keys from this place on are not told apart any more; undefined: all are. */
  limit: KeyPlace | undefined
}

interface KeyPlace {
  readonly hash: number
  readonly key: string
}

/** Makes counts of `width` numbers a key. */
export function newKeyCounts(width: number, maxKeys: number): KeyCounts {
  return { width, maxKeys, keys: new Map(), total: zeros(width), limit: undefined }
}

/**
 * Counts one for a key. Up to `maxKeys` keys every count is exact. Beyond, those keys stay that come
 * first by a hash, with exact counts too: which they are depends on the keys alone, not on their
 * order or on how the input was cut, as it would with the most frequent ones.
 */
export function countKey(counts: KeyCounts, key: string, index: number): void {
  counts.total[index] = (counts.total[index] ?? 0) + 1
  let own = counts.keys.get(key)
  if (own === undefined) {
    if (isBeyond(counts.limit, key)) return
    own = zeros(counts.width)
    // Today's engine copies a key by itself; nothing says that it goes on to.
    counts.keys.set(ownCopy(key), own)
    if (counts.keys.size > counts.maxKeys * 2) prune(counts)
  }
  own[index] = (own[index] ?? 0) + 1
}

/** Adds the counts of another part of the input. */
export function mergeKeyCounts(into: KeyCounts, from: KeyCounts): void {
  add(into.total, from.total)
  for (const [key, numbers] of from.keys) {
    const own = into.keys.get(key)
    if (own === undefined) into.keys.set(key, [...numbers])
    else add(own, numbers)
  }
  prune(into)
}

/** The keys with the highest sums first, and what the rest comes to together. */
export function topKeys(
  counts: KeyCounts,
  most: number,
): { readonly keys: readonly (readonly [string, readonly number[]])[]; readonly others: number[] } {
  prune(counts)
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
  const keys = [...counts.keys]
    .sort(([a, m], [b, n]) => sum(n) - sum(m) || (a < b ? -1 : 1))
    .slice(0, most)
  const others = [...counts.total]
  for (const [, numbers] of keys) {
    for (const [index, number] of numbers.entries()) others[index] = (others[index] ?? 0) - number
  }
  return { keys, others }
}

/** Drops the keys that are beyond the limit, or beyond `maxKeys`. */
function prune(counts: KeyCounts): void {
  if (counts.limit !== undefined) {
    for (const key of counts.keys.keys()) if (isBeyond(counts.limit, key)) counts.keys.delete(key)
  }
  if (counts.keys.size <= counts.maxKeys) return
  const places = [...counts.keys.keys()].map((key) => ({ hash: hashOf(key), key }))
  places.sort((a, b) => (isBefore(a, b) ? -1 : 1))
  counts.limit = places[counts.maxKeys]
  for (const { key } of places.slice(counts.maxKeys)) counts.keys.delete(key)
}

function isBeyond(limit: KeyPlace | undefined, key: string): boolean {
  return limit !== undefined && !isBefore({ hash: hashOf(key), key }, limit)
}

function isBefore(a: KeyPlace, b: KeyPlace | undefined): boolean {
  if (b === undefined) return true
  return a.hash === b.hash ? a.key < b.key : a.hash < b.hash
}

/** FNV-1a over UTF-16 code units: the same on every machine. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

function add(into: number[], numbers: readonly number[]): void {
  for (const [index, number] of numbers.entries()) into[index] = (into[index] ?? 0) + number
}

function zeros(width: number): number[] {
  return new Array<number>(width).fill(0)
}
