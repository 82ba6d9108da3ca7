import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../test/support/poll.ts'
import type { Bench, ScenarioResult } from '../harness/bench.ts'
import { ensureData } from '../harness/data-sets.ts'
import { type Transport, transports } from '../harness/transports.ts'
import { drive } from '../harness/drive.ts'
import { freePorts } from '../harness/free-ports.ts'
import { createRecorder } from '../harness/recorder.ts'
import { interleave } from '../harness/samples.ts'
import { refusalOf, startTenantgate, type Tenantgate } from '../harness/tenantgate.ts'
import { cpuMicroseconds } from '../process-usage.ts'

const algorithms = ['HS', 'Ed'] as const
/** Between clocks: what Redis holds is adopted if it is that much younger than the watch. */
const marginMs = 5_500
/** Nothing that is filled in expires, or is verified in between, before all rounds are over. */
const env = { TENANTGATE_CACHE_TTL: '1h', TENANTGATE_DEADLINE: '1s', TENANTGATE_JWKS: 'postgres' }

/**
 * What a subject costs that this process does not know: a token whose signature is new, a fact from
 * Redis. An earlier instance filled Redis; those that are measured start after it and adopt what it
 * wrote, since a JetStream stream vouches for the time before they started.
 */
export async function firstCheck(bench: Bench): Promise<ScenarioResult> {
  const { programs, sizes, world } = bench
  const recorder = createRecorder(bench.tell)
  await ensureData(programs.gen, [`fresh=${sizes.fresh}`])
  await world.addSubjects(`F${sizes.fresh}`)
  await pause(Math.max(0, world.streamMadeMs + marginMs - performance.now()))
  await fill(bench)
  const variants = transports.flatMap((transport) =>
    algorithms.map((algorithm) => ({ transport, algorithm })),
  )
  await interleave(bench.rounds, variants, async ({ algorithm, transport }) => {
    const name = `tenantgate, ${transport}, ${algorithm === 'HS' ? 'HS256' : 'EdDSA'}`
    if (!bench.takesPart(name) || recorder.isLeftOut(name)) return
    const options = await optionsOf(bench, name, transport)
    const why = refusalOf(world, options)
    if (why !== undefined) {
      recorder.leaveOut(name, why)
      return
    }
    await recorder.take(name, async () => {
      const instance = startTenantgate(world, options)
      try {
        return await measureOne(bench, instance, algorithm)
      } finally {
        await instance.stop()
      }
    })
  })
  return recorder.result()
}

async function optionsOf({ serverCores, world }: Bench, name: string, transport: Transport) {
  const port = await freePorts(2)
  return {
    ...({ name, transport, log: 'off', httpPort: port, grpcPort: port + 1 } as const),
    cores: serverCores,
    env: { ...env, TENANTGATE_NATS_STREAM: world.stream },
  }
}

/** Has an instance ask PostgreSQL for everybody once, so that Redis knows them. */
async function fill(bench: Bench): Promise<void> {
  const { programs, sizes, world } = bench
  const instance = startTenantgate(world, await optionsOf(bench, 'filler', 'grpc-js'))
  try {
    await instance.untilWatched()
    for (const requests of [`FHS${sizes.fresh}-warm`, `FHS${sizes.fresh}`]) {
      const flags = { count: sizes.fresh, timeout: '2s', streams: 16 }
      const { addresses } = instance
      await drive(programs.drive, { addresses, requests, expect: 'allow', flags })
    }
  } finally {
    await instance.stop()
  }
}

async function measureOne(
  { programs, sizes, world }: Bench,
  instance: Tenantgate,
  algorithm: (typeof algorithms)[number],
): Promise<Record<string, number>> {
  await instance.untilWatched()
  const pids = instance.pids()
  const cpuUs = (): number => pids.reduce((sum, pid) => sum + cpuMicroseconds(pid), 0)
  const fromRedis = (): Promise<number> =>
    instance.metric('tenantgate_facts_total', { source: 'redis' })
  const settled = (): Promise<unknown> =>
    until(async () => (await instance.metric('tenantgate_verification_waiting')) === 0, {
      ...{ what: 'facts that are verified', withinMs: 60_000 },
    })
  const ask = (requests: string) =>
    drive(programs.drive, {
      ...{ addresses: instance.addresses, requests, pids, expect: 'allow' },
      flags: { count: sizes.fresh, timeout: '2s' },
    })
  await ask(`F${algorithm}${sizes.fresh}-warm`)
  await settled()
  const [redisBefore, before] = [await fromRedis(), cpuUs()]
  const valkeyBefore = cpuMicroseconds(world.valkey.pid)
  const report = await ask(`F${algorithm}${sizes.fresh}`)
  await settled()
  const all = (cpuUs() - before) / sizes.fresh
  return {
    cpu: report.cpuUs,
    // With the statements that verify each of them against PostgreSQL, soon after.
    cpuVerified: all,
    redisUs: (cpuMicroseconds(world.valkey.pid) - valkeyBefore) / sizes.fresh,
    perSecond: report.perSecond,
    p99: report.answered.p99,
    redisShare: ((await fromRedis()) - redisBefore) / sizes.fresh,
    undecided: report.counts.failed + report.counts.unavailable,
  }
}
