import { setTimeout as pause } from 'node:timers/promises'
import { startLoad } from './load.ts'
import { firstOfMany, startBenchPlatform } from './platform.ts'
import { cpuMicroseconds, familyCpuMicroseconds } from './process-usage.ts'

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const pairs = Number(process.env['BENCH_PAIRS'] ?? 10_000)
const roundMs = 15_000

const bench = await startBenchPlatform()
const { direct, platform, postgres } = bench
await bench.addMany(pairs)
const instance = await platform.start(direct)
const load = startLoad({
  ...{ address: instance.process.grpcAddress, route: 'cache', prefix: platform.name },
  // Each pair is in use about every 3 s, so all of them are verified at least every 5 s.
  ...{ first: firstOfMany, count: pairs, rate: pairs / 3, once: false, claims: 'none' },
})

interface Reading {
  readonly atMs: number
  readonly statements: number
  readonly pairs: number
  readonly lagS: number
  readonly asked: number
  readonly postgresUs: number
  readonly serviceUs: number
}

async function read(): Promise<Reading> {
  const metric = instance.metric
  return {
    atMs: performance.now(),
    statements: await metric('tenantgate_verification_batch_pairs_count'),
    pairs: await metric('tenantgate_verification_batch_pairs_sum'),
    lagS: await metric('tenantgate_verification_lag_seconds_sum'),
    asked: load.latest().asked,
    postgresUs: familyCpuMicroseconds(postgres.pid),
    serviceUs: cpuMicroseconds(instance.process.pid),
  }
}

await pause(20_000) // until every pair is known and the connections are warm
for (let round = 1; round <= rounds; round += 1) {
  const before = await read()
  await pause(roundMs)
  const after = await read()
  const ms = after.atMs - before.atMs
  const perS = (key: Exclude<keyof Reading, 'atMs'>, scale = 1) =>
    Number((((after[key] - before[key]) / ms) * 1_000 * scale).toFixed(4))
  const statements = after.statements - before.statements
  console.log(
    JSON.stringify({
      ...{ round, pairs, checksPerS: Math.round(perS('asked')) },
      ...{ statementsPerS: perS('statements'), pairsPerS: Math.round(perS('pairs')) },
      meanLagMs: Math.round(((after.lagS - before.lagS) / statements) * 1_000),
      postgresCores: perS('postgresUs', 1e-6),
      serviceCores: perS('serviceUs', 1e-6),
      notAllowed: load.latest().asked - load.latest().allowed,
    }),
  )
}
await load.stop()
await bench.close()
