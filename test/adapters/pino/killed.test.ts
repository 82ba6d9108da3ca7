import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createDecisionLog } from '../../../src/adapters/pino/decision-log.ts'
import { runScript } from '../../support/child-script.ts'
import { nowMs } from '../../support/builders.ts'
import { recordedDecision } from '../../support/decision-records.ts'
import { eventually } from '../../support/eventually.ts'
import { testFolder } from '../../support/folder.ts'
import { readLogFile } from '../../support/log-lines.ts'

const modules = { log: 'src/adapters/pino/decision-log.ts' }

function logTo(sink: string) {
  const log = createDecisionLog({
    sink,
    now: () => '',
    onDropped: () => undefined,
    onFault: () => undefined,
  })
  log.policy('sha256:1', { version: 1 } as never)
  return log
}
const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
const last = { ...recordedDecision(0, { atMs: nowMs }), request_id: 'last' }

describe('a process that is killed while it writes its decision log', () => {
  it('leaves one broken line at most, and the next process begins its first line anew', async () => {
    const file = join(testFolder(), 'decisions.log')
    const rounds = 6
    for (let round = 0; round < rounds; round += 1) {
      const begin = sizeOf(file)
      await runScript(
        modules,
        `
        const decisions = log.createDecisionLog({ sink: ${JSON.stringify(file)}, now: () => '',
          onDropped: () => undefined, onFault: () => undefined })
        decisions.policy('sha256:1', { version: 1 })
        for (let n = 0; ; n += 1) {
          for (let more = 0; more < 50; more += 1) {
            decisions.decision({ round: ${round}, n: n * 50 + more, padding: 'x'.repeat(20_000) })
          }
          await new Promise((resolve) => setImmediate(resolve))
        }`,
        {
          onSpawn: (child) => {
            void eventually(() => sizeOf(file) > begin + 2_000_000).then(async () => {
              await pause(round * 7)
              child.kill('SIGKILL')
            })
          },
        },
      )
    }
    const log = logTo(file)
    log.decision(last)
    await log.close()
    const { broken, lines } = readLogFile(file)
    expect(broken.length).toBeLessThanOrEqual(rounds)
    expect(lines.filter(({ type }) => type === 'policy')).toHaveLength(rounds + 1)
    expect(lines.at(-1)).toMatchObject({ request_id: 'last' })
    for (let round = 0; round < rounds; round += 1) {
      const numbers = lines.filter((line) => line['round'] === round).map(({ n }) => n)
      // Nothing is missing in between: lines are refused only once the queue is full.
      const whole = Math.min(numbers.length, 500)
      expect(numbers.slice(0, whole)).toEqual(Array.from({ length: whole }, (_, n) => n))
    }
  })

  it.each([
    ['within a line', '{"type":"policy"}\n{"type":"dec', '{"type":"policy"}\n{"type":"dec\n'],
    ['after a line', '{"type":"policy"}\n', '{"type":"policy"}\n'],
    ['before it wrote', '', ''],
  ])('%s: the next one goes on in a line of its own', async (_title, left, begin) => {
    const file = join(testFolder(), 'decisions.log')
    writeFileSync(file, left)
    const log = logTo(file)
    log.decision(last)
    await log.close()
    const text = readFileSync(file, 'utf8')
    expect(text.startsWith(begin)).toBe(true)
    const added = text.slice(begin.length).split('\n')
    expect(added.map((line) => line.slice(0, 16))).toEqual([
      '{"type":"policy"',
      '{"type":"decisio',
      '',
    ])
  })
})
