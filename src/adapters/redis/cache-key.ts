import type { Pair } from '../../domain/fact.ts'

/** A pair of which Redis may hold an entry. */
export interface KeptPair {
  readonly user: string
  readonly organization: string
}

/** Neither `:`, which would let two pairs share a key, nor what a Redis Cluster reads as a tag. */
const keptId = /^[A-Za-z0-9._-]{1,255}$/

/** The pair, if its ids are of the kind that is kept in Redis (contract section 6). */
export function keptPair({ organization, user }: Pair): KeptPair | undefined {
  if (organization === null || !keptId.test(user) || !keptId.test(organization)) return undefined
  return { user, organization }
}

/** The key that other services know a pair's permissions by. */
export function cacheKey({ organization, user }: KeptPair): string {
  return `perm:${user}:${organization}`
}
