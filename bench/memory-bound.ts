import { setTimeout as pause } from 'node:timers/promises'
import { startLoad } from './load.ts'
import { firstOfMany, startBenchPlatform } from './platform.ts'
import { residentMiB } from './process-usage.ts'

const pairs = Number(process.env['BENCH_PAIRS'] ?? 1_000_000)
const everyMs = 15_000

const bench = await startBenchPlatform()
const { direct, platform } = bench
await bench.addMany(pairs)
const instance = await platform.start(direct)
await pause(6_000) // claims issued from now on are newer than the watch, by the margin
const load = startLoad({
  ...{ address: instance.process.grpcAddress, route: 'claims', prefix: platform.name },
  ...{ first: firstOfMany, count: pairs, rate: 20_000, once: true, claims: 'organization role' },
})
const startMs = performance.now()

async function tell(): Promise<void> {
  const { metric } = instance
  const resident = residentMiB(instance.process.pid)
  const { allowed, asked, failed } = load.latest()
  console.log(
    JSON.stringify({
      ...{ s: Math.round((performance.now() - startMs) / 1_000), asked, allowed, failed },
      ...{ rssMiB: resident.now, peakMiB: resident.peak },
      facts: await metric('tenantgate_memory_facts'),
      factMiB: Math.round((await metric('tenantgate_memory_fact_bytes')) / 2 ** 20),
      tokens: await metric('tenantgate_memory_tokens'),
      tokenMiB: Math.round((await metric('tenantgate_memory_token_bytes')) / 2 ** 20),
      waiting: await metric('tenantgate_verification_waiting'),
      heapMiB: Math.round((await metric('nodejs_heap_size_used_bytes')) / 2 ** 20),
    }),
  )
}

const telling = setInterval(() => void tell(), everyMs)
await load.done
clearInterval(telling)
await tell()
await pause(10_000)
await tell()
await bench.close()
