import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Ratios } from './baseline.ts'
import { yardstickUs } from './cpu-yardstick.ts'
import { median } from './samples.ts'

const run = promisify(execFile)
const folder = resolve(import.meta.dirname, '..')
/** Each prints lines of JSON with a part's `name` and what it cost, in µs or in ns. */
const scripts = ['micro-decision.ts', 'micro-codec.ts']
/** What they print besides, to compare with. */
const others = /^(strings|proto-loader|reading)/
const rounds = 3

interface Line {
  readonly name: string
  readonly cpuUs?: { readonly best: number }
  readonly bestNs?: number
}

function linesOf(text: string): readonly Line[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
    .filter(({ name }) => !others.test(name))
}

/** What the parts of a check cost, in yardsticks, so that a loss names its culprit. */
export async function microRatios(): Promise<Ratios> {
  const yardsticks = [yardstickUs()]
  const ratios: Record<string, number> = {}
  for (const script of scripts) {
    const path = resolve(folder, script)
    const env = { ...process.env, BENCH_ROUNDS: String(rounds), BENCH_DECISIONS: '30000' }
    const { stdout } = await run(process.execPath, [path], { env })
    yardsticks.push(yardstickUs())
    const yardstick = median(yardsticks)
    for (const { bestNs = NaN, cpuUs, name } of linesOf(stdout)) {
      ratios[`${script}: ${name}`] = round((cpuUs?.best ?? bestNs / 1e3) / yardstick)
    }
  }
  return ratios
}

const round = (ratio: number): number => Number(ratio.toFixed(4))
