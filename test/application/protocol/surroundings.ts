import { createDatabase, type Database } from './database.ts'
import { createIssuer, type Issuer } from './issuer.ts'
import { createNats, type Nats } from './nats.ts'
import { createRandom, type Random } from './random.ts'
import { createRedis, type Redis } from './redis.ts'
import type { Scenario } from './scenario.ts'
import { createTimeline, type Timeline } from './timeline.ts'
import { createTruth, type Truth } from './truth.ts'

/** All that processes have around them. */
export interface Surroundings {
  readonly scenario: Scenario
  readonly timeline: Timeline
  readonly random: Random
  readonly truth: Truth
  readonly database: Database
  readonly redis: Redis
  readonly nats: Nats
  readonly issuer: Issuer
  /** Counts what a test wants to see happen. */
  readonly count: (what: string) => void
}

/** Makes the surroundings of a scenario; a seed decides how long things take. */
export function createSurroundings(
  scenario: Scenario,
  seed: number,
  count: (what: string) => void,
): Surroundings {
  const timeline = createTimeline()
  const random = createRandom(seed)
  const truth = createTruth()
  const { bounds, replicaLagMs, skewMs } = scenario
  return {
    scenario,
    timeline,
    random,
    truth,
    count,
    database: createDatabase({ timeline, random, truth, replicaLagMs }),
    redis: createRedis({ timeline, random, cacheTtlMs: bounds.cacheTtlMs }),
    nats: createNats({ timeline, random }),
    issuer: createIssuer({ timeline, truth, skewMs: random.between(-skewMs, skewMs) }),
  }
}
