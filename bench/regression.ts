import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { format } from 'prettier'
import { compareToBaseline, decides, ratiosOf, type Ratios } from './harness/baseline.ts'
import { microRatios } from './harness/micro-ratios.ts'
import { serviceRatios } from './harness/service-ratios.ts'

const usage = `node bench/regression.ts [--update]

Holds what a check costs against bench/baseline.json, as ratios: the service's CPU time to that of a
server that allows everything on the same transport, so that the machine's speed drops out. Exit 1 where
that is more than a quarter worse, four times in a row. Parts of it are held against a fixed piece of work, and
named where they are dearer: that says where to look, and a busy machine can do it too.

  --update   write the ratios of this run instead`

const tries = 4
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
  let measured = first
  for (let more = 1; more < tries && lossesOf(baseline, measured).length > 0; more += 1) {
    console.error(`worse than allowed, once more:\n${lossesOf(baseline, measured).join('\n')}`)
    const least = measured
    // What was slow once may have been the machine; what is slow each time is ours.
    measured = Object.fromEntries(
      Object.entries(await measure()).map(([name, ratio]) => [
        name,
        Math.min(ratio, least[name] ?? ratio),
      ]),
    )
  }
  const parts = compareToBaseline(
    ratiosOf(baseline, (name) => !decides(name)),
    measured,
  )
  if (parts.length > 0) console.error(`parts that were dearer:\n${parts.join('\n')}`)
  const losses = lossesOf(baseline, measured)
  if (losses.length > 0) {
    console.error(`a check became dearer:\n${losses.join('\n')}`)
    process.exitCode = 1
  }
}

/** What fails: the service's own losses, and whatever was not measured. */
function lossesOf(baseline: Ratios, measured: Ratios): readonly string[] {
  const isLost = (name: string): boolean => Number.isNaN(measured[name] ?? NaN)
  return compareToBaseline(
    ratiosOf(baseline, (name) => decides(name) || isLost(name)),
    measured,
  )
}
