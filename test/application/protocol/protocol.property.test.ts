import { describe, expect, it } from 'vitest'
import { planOf, shrink } from './plan.ts'
import { scenarios } from './scenario.ts'
import { play } from './world.ts'

/** Schedules per scenario; more of them with `PROTOCOL_RUNS=1000`. */
const runs = Number(process.env['PROTOCOL_RUNS'] ?? 60)
const firstSeed = Number(process.env['PROTOCOL_SEED'] ?? 1)
const only = process.env['PROTOCOL_SCENARIO']
const steps = 90

describe('whatever happens in which order, the promises of the facts hold', () => {
  const chosen = scenarios.filter(({ name }) => only === undefined || name === only)
  it.each(chosen)('$name', { timeout: runs * 1_000 + 30_000 }, async (scenario) => {
    for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
      const violated = await play({ scenario, seed, plan: planOf(scenario, seed, steps) })
      if (violated === undefined) continue
      const fails = async (plan: ReturnType<typeof planOf>): Promise<boolean> =>
        (await play({ scenario, seed, plan }))?.what === violated.what
      const plan = await shrink(planOf(scenario, seed, steps), fails)
      const shortest = (await play({ scenario, seed, plan })) ?? violated
      expect.fail(`seed ${seed}: ${violated.what}\n${shortest.trace.slice(-45).join('\n')}`)
    }
  })
})
