import type { Instance } from '../../test/support/instance.ts'
import type { Person } from '../../test/support/people.ts'
import { firstOfMany, startBenchPlatform, type BenchPlatform } from '../platform.ts'
import { familyCpuMicroseconds } from '../process-usage.ts'

/** Instances that share their servers. */
export interface Fleet {
  readonly bench: BenchPlatform
  readonly instances: readonly Instance[]
  /** The pairs that they are asked for. */
  readonly persons: readonly Person[]
  /** CPU-µs so far: of all instances together, and of each server. */
  readonly usedUs: () => Usage
  readonly close: () => Promise<void>
}

export interface Usage {
  readonly instances: number
  readonly postgres: number
  readonly nats: number
  readonly valkey: number
}

/** Starts the servers, puts people into PostgreSQL and starts the instances. */
export async function startFleet(counts: {
  readonly instances: number
  readonly pairs: number
}): Promise<Fleet> {
  const bench = await startBenchPlatform()
  const { direct, nats, platform, postgres, valkey } = bench
  await bench.addMany(counts.pairs)
  const { name, publisher } = platform
  await publisher.createStream({ name, subjects: [`${name}.>`] })
  const instances: Instance[] = []
  for (let n = 0; n < counts.instances; n += 1) {
    const env = { ...direct, TENANTGATE_NATS_STREAM: name, TENANTGATE_DEADLINE: '2s' }
    instances.push(await platform.start(env))
  }
  const sum = (pids: readonly number[]): number =>
    pids.reduce((total, pid) => total + familyCpuMicroseconds(pid), 0)
  return {
    ...{ bench, instances },
    persons: Array.from({ length: counts.pairs }, (_, index) => ({
      user: `${name}-u${firstOfMany + index}`,
      organization: `${name}-o${firstOfMany + index}`,
    })),
    usedUs: () => ({
      instances: sum(instances.map(({ process }) => process.pid)),
      postgres: sum([postgres.pid]),
      nats: sum([nats.pid]),
      valkey: sum([valkey.pid]),
    }),
    close: bench.close,
  }
}
