import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { timed } from '../../support/eventually.ts'

const moduleUrl = new URL('../../../src/adapters/pino/decision-log.ts', import.meta.url).href

it('a reader of standard output that stands still does not keep the process from ending', async () => {
  const script = `
    import { createDecisionLog } from ${JSON.stringify(moduleUrl)}
    const log = createDecisionLog({ sink: 'stdout', now: () => '',
      onDropped: () => undefined, onFault: () => undefined })
    for (let n = 0; n < 100; n += 1) log.decision({ n, padding: 'x'.repeat(10_000) })
    await new Promise((resolve) => setTimeout(resolve, 300))
    await log.close()
    process.exit(7)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'], // its output is a pipe that is never read
    timeout: 15_000,
    killSignal: 'SIGKILL',
  })
  const { ms, value } = await timed(once(child, 'exit'))
  expect(value).toEqual([7, null])
  expect(ms).toBeLessThan(10_000)
})
