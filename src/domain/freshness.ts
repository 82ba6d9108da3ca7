import type { Fact } from './fact.ts'
import { ageMs, type Instant } from './instant.ts'
import type { Freshness } from './policy.ts'

/** What clocks of two machines are compared with, to the fact's disadvantage, in ms. */
export const marginMs = 5_000

/** How long a change is remembered at least, and PostgreSQL's answer keeps claims out, in ms. */
export const rememberedMs = 900_000

/** How long a fact lives whose read began within the margin after a change, in ms. */
export const unsettledLifeMs = 1_000

/** How long "no such user" and "not a member" are kept, in ms. */
export const absenceLifeMs = 2_000

/** How far PostgreSQL's clock and the process's may be apart for other processes' facts, in ms. */
export const maxSkewMs = 2_000

/** The ages that facts may reach (contract section 2), in ms. */
export interface AgeBounds {
  readonly verifyAfterMs: number
  readonly cacheTtlMs: number
}

/**
 * How long changes are remembered under these bounds, in ms: as long as anything can be believed
 * that was read or issued before them.
 */
export function rememberedFor({ cacheTtlMs }: AgeBounds): number {
  return Math.max(rememberedMs, cacheTtlMs + marginMs)
}

/** A fact in memory, and what its age is told by. */
export interface HeldFact {
  readonly fact: Fact
  /** The place of its read among all reads and changes that this process has seen. */
  readonly order: number
  /**
   * When its own statement was sent; of an adopted fact, `verified_at` less the margin, since the
   * clocks are of two machines.
   */
  readonly since: Instant
  /** Read by this process from PostgreSQL, not adopted from the shared cache. */
  readonly own: boolean
  /** How long it lives at most from `since`, in ms. */
  readonly lifeMs: number
}

/** What the watch on changes covers now; null: it does not hold. */
export type Coverage = {
  /** The place of its beginning among reads and changes. */
  readonly order: number
  /** The same by the wall clock, for what other machines read. */
  readonly wallMs: number
} | null

/** Whether a fact is past its life. */
export function isGone(held: HeldFact, now: Instant): boolean {
  return ageMs(held.since, now) >= held.lifeMs
}

/** Rule (a): this process read it from PostgreSQL within `VERIFY_AFTER`. */
export function isVerified(held: HeldFact, now: Instant, { verifyAfterMs }: AgeBounds): boolean {
  return held.own && ageMs(held.since, now) <= verifyAfterMs
}

/**
 * Rule (b), the route aside: the watch holds, and it was read after that began and not long ago. A
 * change from just before the beginning, which nobody told of, may be missing from what was read
 * just after it: its commit may follow its event, and a replica may lag. So the margin counts here
 * too. (What was adopted is compared with the beginning where it is adopted.)
 */
export function isCovered(
  held: HeldFact,
  now: Instant,
  coverage: Coverage,
  { cacheTtlMs }: AgeBounds,
): boolean {
  if (coverage === null || held.order <= coverage.order) return false
  if (held.own && held.since.wallMs <= coverage.wallMs + marginMs) return false
  return ageMs(held.since, now) < cacheTtlMs
}

/** Whether a route is content with what rules (b) and (c) give. */
export function acceptsUnverified(freshness: Freshness): boolean {
  return freshness === 'claims' || freshness === 'cache'
}

/**
 * Whether what another machine read at `verifiedAtMs` (a fact of the shared cache, or a claim by its
 * `iat`) is newer than the watch's beginning, by the margin, and young enough.
 */
export function isCoveredElsewhere(
  verifiedAtMs: number,
  now: Instant,
  coverage: Coverage,
  { cacheTtlMs }: AgeBounds,
): boolean {
  if (coverage === null || verifiedAtMs <= coverage.wallMs + marginMs) return false
  return now.wallMs - verifiedAtMs + marginMs < cacheTtlMs
}
