import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { format } from 'prettier'
import { compareToBaseline, type Ratios } from './harness/baseline.ts'
import { microRatios } from './harness/micro-ratios.ts'
import { serviceRatios } from './harness/service-ratios.ts'

const usage = `node bench/regression.ts [--update]

Holds what a check costs against bench/baseline.json, as ratios: the service's CPU time to that of a
server that allows everything on the same transport, and parts of it to a fixed piece of work, so that
the machine's speed drops out. Exit 1 where a ratio is more than a quarter worse, twice in a row.

  --update   write the ratios of this run instead`

const file = resolve(import.meta.dirname, 'baseline.json')
const [argument, ...others] = process.argv.slice(2)
if ((argument !== undefined && argument !== '--update') || others.length > 0) {
  console.log(usage)
  process.exit(argument === '--help' ? 0 : 2)
}

async function measure(): Promise<Ratios> {
  const ratios = { ...(await serviceRatios()), ...(await microRatios()) }
  console.log(JSON.stringify(ratios))
  return ratios
}

const first = await measure()
if (argument === '--update') {
  writeFileSync(file, await format(JSON.stringify(first), { parser: 'json' }))
} else {
  const baseline = JSON.parse(readFileSync(file, 'utf8')) as Ratios
  let losses = compareToBaseline(baseline, first)
  if (losses.length > 0) {
    console.error(`worse than allowed, once more:\n${losses.join('\n')}`)
    const second = await measure()
    // What was slow once may have been the machine; what is slow twice is ours.
    const best = Object.fromEntries(
      Object.entries(second).map(([name, ratio]) => [name, Math.min(ratio, first[name] ?? ratio)]),
    )
    losses = compareToBaseline(baseline, best)
  }
  if (losses.length > 0) {
    console.error(`a check became dearer:\n${losses.join('\n')}`)
    process.exitCode = 1
  }
}
