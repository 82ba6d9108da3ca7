import type { FactLimits } from '../../../src/application/facts.ts'
import type { AgeBounds } from '../../../src/domain/freshness.ts'
import type { FeedKind } from './feed.ts'

/** What may happen in a world, and how often: the weight of each action among all. */
export type Action =
  | 'request'
  | 'change'
  | 'mint'
  | 'cut'
  | 'pause'
  | 'restart'
  | 'database'
  | 'redis'
  | 'nats'
  | 'jump'
  | 'evict'

/** A kind of world. */
export interface Scenario {
  readonly name: string
  readonly processes: number
  readonly feed: FeedKind
  readonly bounds: AgeBounds
  readonly limits: FactLimits
  readonly weights: Readonly<Partial<Record<Action, number>>>
  /** How the announcements of changes fare, by share. */
  readonly announced: Readonly<Record<'soon' | 'late' | 'early' | 'never', number>>
  readonly replicaLagMs: number
  /** How long at most the issuer goes on with what it once read, in ms. */
  readonly issuerLagMs: number
  /** How far clocks are from PostgreSQL's at most, in ms. */
  readonly skewMs: number
  /** How far off clocks may be set too, in ms. */
  readonly wildClocksMs: readonly number[]
}

const ample: FactLimits = {
  maxFacts: 1_000,
  maxFactBytes: 10_000_000,
  maxChanges: 1_000,
  maxAnswered: 1_000,
}
const scant: FactLimits = { maxFacts: 2, maxFactBytes: 10_000_000, maxChanges: 2, maxAnswered: 2 }

const usual = {
  processes: 2,
  feed: 'core',
  bounds: { verifyAfterMs: 5_000, cacheTtlMs: 60_000 },
  limits: ample,
  announced: { soon: 1, late: 0, early: 0, never: 0 },
  replicaLagMs: 0,
  issuerLagMs: 0,
  skewMs: 0,
  wildClocksMs: [],
} as const satisfies Partial<Scenario>

const calm = { request: 60, change: 8, mint: 10 } as const
const brief: AgeBounds = { verifyAfterMs: 2_000, cacheTtlMs: 20_000 }
/** Longer than the margin, which else hides what differs between own facts and others'. */
const long: AgeBounds = { verifyAfterMs: 20_000, cacheTtlMs: 120_000 }
const crashing = { soon: 0.5, late: 0.1, early: 0, never: 0.4 } as const

/** Worlds in which one thing goes wrong, and worlds in which everything may. */
export const scenarios: readonly Scenario[] = [
  { ...usual, name: 'no fault', weights: calm },
  { ...usual, name: 'clocks apart', weights: calm, skewMs: 2_000, bounds: brief },
  { ...usual, name: 'publishers die', weights: calm, announced: crashing },
  {
    ...usual,
    name: 'publishers are late or early',
    weights: { ...calm, change: 15 },
    announced: { soon: 0.3, late: 0.3, early: 0.4, never: 0 },
  },
  {
    ...usual,
    name: 'publishers are early, and processes start anew',
    weights: { ...calm, change: 15, restart: 5, cut: 5 },
    announced: { soon: 0.3, late: 0, early: 0.7, never: 0 },
  },
  { ...usual, name: 'connections break', weights: { ...calm, cut: 8 }, skewMs: 500 },
  {
    ...usual,
    name: 'connections to a stream break',
    feed: 'stream',
    weights: { ...calm, cut: 8, restart: 2 },
  },
  { ...usual, name: 'processes stand still', weights: { ...calm, pause: 8 }, bounds: brief },
  {
    ...usual,
    name: 'processes on a stream stand still and start anew',
    feed: 'stream',
    weights: { ...calm, pause: 6, restart: 5 },
    announced: crashing,
  },
  {
    ...usual,
    name: 'connections break while processes stand still',
    weights: { ...calm, cut: 8, pause: 8 },
  },
  { ...usual, name: 'processes start anew', weights: { ...calm, restart: 8 }, issuerLagMs: 2_000 },
  {
    ...usual,
    name: 'the database is down',
    weights: { ...calm, database: 10 },
    announced: crashing,
    bounds: { verifyAfterMs: 2_000, cacheTtlMs: 60_000 },
  },
  {
    ...usual,
    name: 'the database and NATS are down',
    weights: { ...calm, database: 6, nats: 5, cut: 3 },
  },
  { ...usual, name: 'Redis loses commands and fails over', weights: { ...calm, redis: 12 } },
  {
    ...usual,
    name: 'Redis with strangers, changes without events',
    weights: { ...calm, redis: 12, restart: 4, evict: 4 },
    announced: crashing,
    skewMs: 2_000,
  },
  {
    ...usual,
    name: 'Redis loses commands, clocks apart, long lives',
    weights: { ...calm, change: 20, redis: 20, restart: 2 },
    bounds: long,
    skewMs: 2_000,
  },
  {
    ...usual,
    name: 'strangers write back what is old',
    weights: { ...calm, redis: 25, database: 5 },
    announced: { soon: 0.2, late: 0, early: 0, never: 0.8 },
    bounds: { verifyAfterMs: 4_000, cacheTtlMs: 12_000 },
  },
  { ...usual, name: 'issuers lag', weights: { ...calm, mint: 25, evict: 5 }, issuerLagMs: 30_000 },
  {
    ...usual,
    name: 'little room',
    weights: { ...calm, mint: 20, redis: 3 },
    limits: scant,
    announced: { soon: 0.9, late: 0, early: 0, never: 0.1 },
  },
  {
    ...usual,
    name: 'little room for facts alone, and issuers lag',
    weights: { ...calm, mint: 25 },
    limits: { ...ample, maxFacts: 1 },
    issuerLagMs: 30_000,
  },
  {
    ...usual,
    name: 'little room, and the database is down',
    weights: { ...calm, change: 15, mint: 15, database: 10 },
    limits: scant,
  },
  { ...usual, name: 'without NATS', feed: 'none', weights: calm, announced: crashing },
  {
    ...usual,
    name: 'clocks are set',
    weights: { ...calm, jump: 8, mint: 20, redis: 8, restart: 4 },
    wildClocksMs: [-3_600_000, -60_000, -10_000, 10_000, 60_000, 3_600_000],
    skewMs: 1_500,
  },
  {
    ...usual,
    name: 'clocks are some seconds off, and Redis loses commands',
    weights: { ...calm, change: 16, jump: 4, redis: 16, restart: 2 },
    bounds: long,
    wildClocksMs: [-40_000, -20_000, -14_000, -10_000, 10_000],
  },
  { ...usual, name: 'a replica lags', weights: { ...calm, change: 15 }, replicaLagMs: 4_000 },
  {
    ...usual,
    name: 'everything',
    weights: {
      ...calm,
      ...{ cut: 3, pause: 3, restart: 2, database: 3, redis: 4, nats: 1, jump: 1, evict: 2 },
    },
    announced: { soon: 0.6, late: 0.1, early: 0.1, never: 0.2 },
    issuerLagMs: 5_000,
    skewMs: 1_500,
  },
  {
    ...usual,
    name: 'everything, on a stream, in little room',
    feed: 'stream',
    weights: {
      ...calm,
      ...{ cut: 3, pause: 3, restart: 3, database: 2, redis: 4, nats: 1, jump: 1, evict: 1 },
    },
    announced: { soon: 0.6, late: 0.1, early: 0.1, never: 0.2 },
    limits: scant,
    bounds: brief,
    skewMs: 1_500,
  },
]
