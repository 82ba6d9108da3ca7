import fc from 'fast-check'
import { cpuMinutes } from './harness/cpu-minutes.ts'
import { anyMessages, loadedMessages } from '../test/support/check-messages.ts'
import {
  allAnswerAlike,
  answers,
  readsAlike,
  readsWhatIsWritten,
} from '../test/support/codec-properties.ts'

/**
 * Looks for a message that the codec reads otherwise than proto-loader and a strict reader, or an answer that
 * says something else, for `--minutes` of its own CPU time (default 1). What it finds it prints with its seed, and ends with 1.
 */
const at = process.argv.indexOf('--minutes')
const minutes = at === -1 ? 1 : Number(process.argv[at + 1])
const told = { refused: 0, read: 0, 'read by all': 0, written: 0, answered: 0, passed: 0 }
let seed = Date.now() & 0x7fffffff
let seeds = 0

function report(): void {
  console.log(JSON.stringify({ minutes: Math.round(cpuMinutes()), seeds, ...told }))
}

let reportMs = Date.now() + 60_000
while (cpuMinutes() < minutes) {
  seed = (seed + 1) & 0x7fffffff
  seeds += 1
  fc.assert(
    fc.property(anyMessages, (bytes) => void (told[readsAlike(bytes)] += 1)),
    { seed, numRuns: 5_000 },
  )
  fc.assert(
    fc.property(loadedMessages, (bytes) => {
      readsWhatIsWritten(bytes)
      told.written += 1
    }),
    { seed, numRuns: 1_000 },
  )
  await fc.assert(
    fc.asyncProperty(answers, async (all) => {
      told.passed += await allAnswerAlike(all)
      told.answered += 1
    }),
    { seed, numRuns: 50 },
  )
  if (Date.now() < reportMs) continue
  report()
  reportMs += 60_000
}
report()
