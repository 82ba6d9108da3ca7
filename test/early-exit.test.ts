import { expect, it } from 'vitest'
import { runScript } from './support/child-script.ts'

const modules = { early: 'src/early-exit.ts' }
const begin = `early.exitOnEarlySignals(['SIGTERM', 'SIGINT']); setInterval(() => {}, 1000);`

// With a handler the process ends by itself and has a code; without one the kernel ends it, as it
// never does process 1, and there is none.
it.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
])('ends by itself on %s while nothing else has taken the signal over', async (signal, code) => {
  const script = `${begin} process.kill(process.pid, '${signal}')`
  expect(await runScript(modules, script)).toMatchObject({ code, stderr: '' })
})

it('leaves a signal to the command that has taken it over', async () => {
  const taken = `process.on('SIGTERM', () => { console.log('draining'); process.exitCode = 7;
    setTimeout(() => process.exit(), 50) })`
  const script = `${begin} ${taken}; process.kill(process.pid, 'SIGTERM')`
  expect(await runScript(modules, script)).toMatchObject({ code: 7, stdout: 'draining\n' })
})
