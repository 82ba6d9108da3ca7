import { parseArgs } from 'node:util'
import { scenarios, type ScenarioName } from '../scenarios/all.ts'
import type { BenchSizes } from './bench.ts'

/** What `node bench/compare.ts` takes. */
export const usage = `npm run bench -- [options]

Measures tenantgate beside other ext_authz servers and writes what came of it into docs/performance.md,
docs/performance.json and docs/performance.svg. Linux with two cores or more; Node, npm, Python and pip.
All of it takes about an hour and wants the machine for itself.

  --scenarios A,B    ${Object.keys(scenarios).join(', ')} (default: all)
  --only A;B         contestants whose name contains one of these; only prints
  --rounds N         interleaved rounds (default 3)
  --seconds N        of one measurement (default 4)
  --quick            one round of one second with small sizes: to see that it works; only prints
  --subjects A,B     known subjects (default 1,1000,100000)
  --no-write         only print
  --render           measure nothing, write the documents again`

export interface CompareOptions {
  readonly scenarios: readonly ScenarioName[]
  readonly only: readonly string[]
  readonly rounds: number
  readonly seconds: number
  readonly sizes: BenchSizes
  readonly write: boolean
  readonly render: boolean
}

const whole: BenchSizes = {
  ...{ fresh: 20_000, burst: 200_000 },
  routes: [100, 10_000, 100_000],
  subjects: [1, 1_000, 100_000],
  connections: [1, 100, 1_000],
}
const small: BenchSizes = {
  ...{ fresh: 1_000, burst: 40_000 },
  routes: [100, 10_000],
  subjects: [1, 1_000],
  connections: [1, 100],
}

const isScenario = (name: string): name is ScenarioName => name in scenarios

/** Undefined where the arguments make no sense, or ask for help. */
export function compareOptions(args: readonly string[]): CompareOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean' },
        'no-write': { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        quick: { type: 'boolean', default: false },
        render: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        scenarios: { type: 'string', default: Object.keys(scenarios).join(',') },
        seconds: { type: 'string' },
        subjects: { type: 'string' },
      },
    })
    const { quick } = values
    const only = values.only.split(';').filter((part) => part !== '')
    const names = values.scenarios.split(',')
    const numbers = {
      rounds: Number(values.rounds ?? (quick ? 1 : 3)),
      seconds: Number(values.seconds ?? (quick ? 1 : 4)),
    }
    const sizes = quick ? small : whole
    const subjects = values.subjects?.split(',').map(Number) ?? sizes.subjects
    const all = [...Object.values(numbers), ...subjects]
    if (values.help === true || !names.every(isScenario) || !all.every((n) => n > 0))
      return undefined
    return {
      ...{ ...numbers, scenarios: names.filter(isScenario), sizes: { ...sizes, subjects } },
      ...{ only, render: values.render },
      // A part, or a glance, takes the place of nothing that was measured whole.
      write: !values['no-write'] && !quick && only.length === 0,
    }
  } catch {
    return undefined
  }
}
