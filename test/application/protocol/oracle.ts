import type { Reason } from '../../../src/domain/decision.ts'
import type { Fact } from '../../../src/domain/fact.ts'
import type { Process } from './process.ts'
import type { SimulatedRoute } from './routes.ts'
import type { Surroundings } from './surroundings.ts'
import { concerns, misses, versionOf, type Commit } from './truth.ts'
import type { Token } from './issuer.ts'

/** A decision as it was made, with all that it is judged by. */
export interface Observation {
  readonly process: Process
  readonly route: SimulatedRoute
  readonly token: Token
  readonly arrivedAtMs: number
  readonly heardAtArrival: number
  readonly reason: Reason
  readonly fact: Fact | null
}

/** When the first event of a commit was published, in ms of true time. */
export type Published = ReadonlyMap<number, number>

/** What the watch believes for how long after its last proof, in ms (contract section 6). */
const proofLifeMs = 5_000
/** What the table of bounds adds for the work of verification, in ms. */
const workMs = 1_000

/**
 * Judges one decision by the promises of contract section 6: every fact that a decision rests on
 * names the last changes it has seen, so each change it has missed can be held against it.
 * Returns the promise that was broken, undefined where all were kept.
 */
export function judgeDecision(
  world: Surroundings,
  published: Published,
  seen: Observation,
): string | undefined {
  if (seen.fact === null || seen.reason === 'unavailable') return undefined
  const { fact, process, route, token } = seen
  const { scenario, timeline, truth } = world
  const isClaim = fact.source === 'claims'
  const version = isClaim ? token.version : versionOf(fact)
  const expected = reasonBy(route, fact)
  if (seen.reason !== expected) return `${seen.reason} on a fact that says ${expected}`
  if (isClaim && seen.reason !== 'granted') return 'refused on a claim'

  const isOwn = process.placeOf(fact.verifiedAtMs) !== undefined
  if (seen.reason !== 'granted' && !isOwn) return 'refused on what others read'
  // Of clocks that are far apart nothing is promised before a read has shown it.
  const comparable = isOwn || process.knowsSkew()
  const late = scenario.replicaLagMs + (isClaim ? scenario.issuerLagMs : 0)
  const judged: Judged = { ...seen, fact, isClaim, isOwn, late, nowMs: timeline.nowMs() }
  for (const commit of truth.commits) {
    if (!concerns(commit, token.pair) || !misses(version, commit)) continue
    const broken =
      strictly(world, judged, commit) ??
      (comparable ? heardOf(world, judged, commit) : undefined) ??
      (comparable ? inTime(world, judged, commit, published) : undefined)
    if (broken !== undefined) return `${broken} (missed change ${commit.seq})`
  }
  return undefined
}

interface Judged extends Observation {
  readonly fact: Fact
  readonly isClaim: boolean
  readonly isOwn: boolean
  /** What replicas and issuers may lag, in ms. */
  readonly late: number
  readonly nowMs: number
}

/** The routes that ask for fresh facts, and every refusal. */
function strictly(
  { scenario: { bounds, replicaLagMs } }: Surroundings,
  { arrivedAtMs, isClaim, late, nowMs, reason, route }: Judged,
  { atMs }: Commit,
): string | undefined {
  if (isClaim && route.inOutage) return undefined
  const tooOld = nowMs - atMs > bounds.verifyAfterMs + late
  if (reason !== 'granted' && tooOld) return 'refused on a fact older than VERIFY_AFTER'
  if (route.freshness === 'verified' && tooOld)
    return '`verified` on a fact older than VERIFY_AFTER'
  if (route.freshness === 'database' && atMs <= arrivedAtMs - replicaLagMs) {
    return '`database` on a fact older than the request'
  }
  return undefined
}

/** I1: nothing that this process was told before the request came is missed. */
function heardOf(
  { database, scenario: { replicaLagMs } }: Surroundings,
  { arrivedAtMs, fact, heardAtArrival, isClaim, nowMs, process, route }: Judged,
  commit: Commit,
): string | undefined {
  for (const heard of process.heard().slice(0, heardAtArrival)) {
    if (heard.commit !== commit.seq) continue
    if (isClaim && route.inOutage) {
      if (heard.wallMs < fact.verifiedAtMs) continue
    } else if (heard.atMs < commit.atMs || replicaLagMs > 0) {
      // Heard before it was committed, or before the replica had it: what is read lives 1 s.
      const settledMs = Math.max(heard.atMs, commit.atMs + replicaLagMs) + workMs
      const disturbedAtMs = Math.max(database.disturbedAtMs(), process.machine.disturbedAtMs())
      const calm = settledMs - 2 * proofLifeMs > disturbedAtMs
      if (!calm || Math.min(arrivedAtMs, nowMs) <= settledMs + 1) continue
    }
    return 'I1: decided on a fact older than an event that was heard before the request'
  }
  return undefined
}

/** The table of bounds. */
function inTime(
  { scenario: { bounds } }: Surroundings,
  { isClaim, late, nowMs, process, route }: Judged,
  commit: Commit,
  published: Published,
): string | undefined {
  if (isClaim && route.inOutage) return undefined
  const ageMs = nowMs - commit.atMs
  const { cacheTtlMs, verifyAfterMs } = bounds
  if (ageMs > cacheTtlMs + late) return 'decided on a fact older than CACHE_TTL'
  const publishedMs = published.get(commit.seq)
  if (publishedMs !== undefined) {
    const boundMs = Math.max(verifyAfterMs, proofLifeMs) + workMs + late
    if (nowMs - Math.max(commit.atMs, publishedMs) > boundMs) return 'a published change came late'
  }
  const deafSinceMs = process.feed().deafSinceMs()
  if (deafSinceMs !== undefined && nowMs - deafSinceMs > proofLifeMs) {
    if (ageMs > verifyAfterMs + late) return 'no watch, and a fact older than VERIFY_AFTER'
  }
  return undefined
}

/** What the policy of the simulated platform says of a fact. */
export function reasonBy({ permission }: SimulatedRoute, fact: Fact): Reason {
  if (fact.banned) return 'banned'
  const supports = fact.platformRoles.includes('support') && permission === 'leave:read'
  if (supports) return 'granted'
  const [row] = fact.rows
  if (row === undefined) return 'not_a_member'
  if (row.includes('staff')) return 'granted'
  const dynamic = fact.dynamic.get('viewer')?.includes(permission) === true
  if (row.includes('viewer') && (permission === 'leave:read' || dynamic)) return 'granted'
  return 'permission_denied'
}
