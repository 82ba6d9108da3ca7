import { setTimeout as pause } from 'node:timers/promises'
import { startLoad } from '../load.ts'
import { firstOfMany } from '../platform.ts'
import type { Fleet } from './fleet.ts'

/** Each pair is in use about every 3 s at each instance, so all are verified all the time. */
const secondsBetweenUses = 3
const settleMs = 12_000
const measureMs = 15_000

/** What it costs that every instance verifies what it uses: one statement for many pairs, off the request path. */
export async function measureVerification({ bench, instances, persons, usedUs }: Fleet): Promise<{
  readonly statementsPerS: number
  readonly pairsPerS: number
  readonly verifyPostgresUs: number
  readonly waiting: number
}> {
  const loads = instances.map(({ process }) =>
    startLoad({
      ...{ address: process.grpcAddress, route: 'cache', prefix: bench.platform.name },
      ...{ first: firstOfMany, count: persons.length, once: false, claims: 'none' },
      rate: persons.length / secondsBetweenUses,
    }),
  )
  const total = async (metric: string): Promise<number> => {
    const all = await Promise.all(instances.map((one) => one.metric(metric)))
    return all.reduce((sum, value) => sum + value, 0)
  }
  const read = async () => ({
    atMs: performance.now(),
    statements: await total('tenantgate_verification_batch_pairs_count'),
    pairs: await total('tenantgate_verification_batch_pairs_sum'),
    postgresUs: usedUs().postgres,
  })
  await pause(settleMs)
  const before = await read()
  await pause(measureMs)
  const after = await read()
  const waiting = await total('tenantgate_verification_waiting')
  await Promise.all(loads.map((load) => load.stop()))
  const seconds = (after.atMs - before.atMs) / 1_000
  const pairs = after.pairs - before.pairs
  return {
    statementsPerS: (after.statements - before.statements) / seconds,
    pairsPerS: pairs / seconds,
    verifyPostgresUs: (after.postgresUs - before.postgresUs) / pairs,
    waiting,
  }
}
