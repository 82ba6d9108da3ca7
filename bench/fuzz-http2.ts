import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { createDifferential } from '../test/support/http2-differential.ts'
import { fuzzHttp2 } from '../test/support/http2-fuzz.ts'
import { fuzzHpack } from '../test/support/hpack-fuzz.ts'
import { cpuMinutes } from './harness/cpu-minutes.ts'

/**
 * Looks for faults of the lean transport for as long as it is told: conversations with a session,
 * header blocks, and the same requests to both transports. Ends with 1 at the first that it finds.
 */
const { values } = parseArgs({
  options: {
    /** Of its own CPU time. */
    minutes: { type: 'string', default: '1' },
    /** The first seed; those below it were tried by the tests. */
    from: { type: 'string', default: '1000000' },
  },
})
const minutes = Number(values.minutes)
const everyMs = 60_000
const perRound = { conversations: 200, blocks: 200, requests: 20 }

const counts = { conversations: 0, undamaged: 0, survived: 0, ended: 0, blocks: 0, requests: 0 }
const differential = await createDifferential()
let found: readonly string[] = []
let seed = Number(values.from)
let tellMs = performance.now() + everyMs

const tell = (): void =>
  console.log(
    JSON.stringify({
      ...{ minutes: Math.round(cpuMinutes()), cores: availableParallelism() },
      ...{ from: values.from, seed, ...counts },
    }),
  )

while (cpuMinutes() < minutes && found.length === 0) {
  for (let each = 0; each < perRound.conversations; each += 1) {
    counts[fuzzHttp2(seed + each)] += 1
    counts.conversations += 1
  }
  for (let each = 0; each < perRound.blocks; each += 1) {
    counts.blocks += fuzzHpack(seed + each).length
  }
  found = await differential.run(seed, perRound.requests)
  counts.requests += perRound.requests
  seed += perRound.conversations
  if (performance.now() > tellMs) {
    tell()
    tellMs += everyMs
  }
}
tell()
for (const difference of found) console.log(difference)
await differential.close()
process.exitCode = found.length === 0 ? 0 : 1
