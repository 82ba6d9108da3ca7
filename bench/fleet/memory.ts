import { Redis } from 'ioredis'
import { residentMiB } from '../process-usage.ts'
import type { Fleet } from './fleet.ts'

const atOnce = 64

/** What knowing a pair costs each instance, and Redis once. */
export async function measureMemory({ bench, instances, persons }: Fleet): Promise<{
  readonly idleMiB: number
  readonly factBytes: number
  readonly tokenBytes: number
  readonly redisBytes: number
}> {
  const idle = instances.map(({ process }) => residentMiB(process.pid).now)
  for (const instance of instances) {
    for (let at = 0; at < persons.length; at += atOnce) {
      const some = persons.slice(at, at + atOnce)
      await Promise.all(some.map((person) => instance.ask(person, 'cache')))
    }
  }
  const mean = async (metric: string, by: string): Promise<number> => {
    const ratios = await Promise.all(
      instances.map(async (one) => (await one.metric(metric)) / (await one.metric(by))),
    )
    return sum(ratios) / ratios.length
  }
  return {
    idleMiB: sum(idle) / idle.length,
    factBytes: await mean('tenantgate_memory_fact_bytes', 'tenantgate_memory_facts'),
    tokenBytes: await mean('tenantgate_memory_token_bytes', 'tenantgate_memory_tokens'),
    redisBytes: await redisBytes(bench.valkey.url),
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0)

/** Of a key with its value, as Redis itself accounts for it. */
async function redisBytes(url: string): Promise<number> {
  const redis = new Redis(url)
  try {
    const key = await redis.randomkey()
    if (key === null) throw new Error('Redis holds no fact')
    return Number(await redis.call('MEMORY', 'USAGE', key))
  } finally {
    redis.disconnect()
  }
}
