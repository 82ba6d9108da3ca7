import { effectivePermissions } from '../../domain/effective-permissions.ts'
import type { Fact, Pair } from '../../domain/fact.ts'
import type { Policy } from '../../domain/policy.ts'
import { cacheKey, keptPair } from './cache-key.ts'
import type { Seal } from './seal.ts'

/** What is to be written for a fact. */
export interface Entry {
  readonly key: string
  readonly text: string
  /** Unix time, in ms. */
  readonly expiresAtMs: number
}

/** By what entries are made. */
export interface EntryRules {
  readonly seal: Seal
  readonly policy: Policy
  readonly cacheTtlMs: number
  /** Unix time, in ms. */
  readonly nowMs: number
}

/** The entry of a fact; undefined where it is not to be kept or has expired. */
export function entryOf(pair: Pair, fact: Fact, rules: EntryRules): Entry | undefined {
  const { cacheTtlMs, nowMs, policy, seal } = rules
  const kept = keptPair(pair)
  if (kept === undefined || !isShared(policy, fact)) return undefined
  const expiresAtMs = Math.floor(fact.verifiedAtMs + cacheTtlMs)
  if (!Number.isSafeInteger(expiresAtMs) || expiresAtMs <= nowMs) return undefined
  const permissions = effectivePermissions(policy, fact)
  const text = seal.close(kept, { fact, permissions, policyVersion: policy.version })
  return { key: cacheKey(kept), text, expiresAtMs }
}

/**
 * Whether a fact may be shared: of a user who exists, verified (claims are never stored), and of a
 * member, or of whom a platform role that the policy knows makes more than a stranger. What is known
 * of strangers is kept in memory only.
 */
function isShared(policy: Policy, fact: Fact): boolean {
  if (!fact.user || fact.source === 'claims') return false
  return fact.rows.length > 0 || fact.platformRoles.some((role) => policy.platformRoles.has(role))
}
