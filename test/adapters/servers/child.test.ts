import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { ServerStartError, startChild } from '../../../src/adapters/servers/child.ts'

const NODE = process.execPath
const CHILD = resolve(import.meta.dirname, '../../../src/adapters/servers/child.ts')

const start = (script: string, options: Partial<Parameters<typeof startChild>[0]> = {}) =>
  startChild({
    name: 'the server',
    command: NODE,
    args: ['-e', script],
    ready: (log) => log.includes('ready'),
    ...options,
  })

const forever = 'setInterval(() => {}, 1000)'

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('startChild', () => {
  it('starts, shows the log and stops', async () => {
    const child = await start(`console.log('ready'); console.error('warned'); ${forever}`)
    expect(isAlive(child.pid)).toBe(true)
    await vi.waitFor(() => expect(child.log()).toMatch(/ready[^]*warned/))

    await child.stop()
    expect(isAlive(child.pid)).toBe(false)
    await expect(child.ended).resolves.toBe('was ended by SIGTERM')
    await child.stop() // again: nothing
  })

  it('says how a server that ends at once ended, with the end of its log', async () => {
    const script = `console.log('first line'); console.error('disk is full'); process.exitCode = 3`
    const error = await start(script).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(ServerStartError)
    expect(String(error)).toContain('the server exited with status 3')
    expect(String(error)).toContain('disk is full')
  })

  it('hears that a server is ready although a long line follows at once', async () => {
    const script = `process.stdout.write('ready\\n' + 'x'.repeat(100_000) + '\\n'); ${forever}`
    const child = await start(script)
    expect(child.log().length).toBeLessThanOrEqual(16_384)
    await child.stop()
  })

  it('keeps only the end of a long log', async () => {
    const script = `for (let i = 0; i < 5000; i++) console.log('line ' + i); process.exitCode = 1`
    const error = (await start(script).catch((e: unknown) => e)) as ServerStartError
    expect(error.log).toContain('line 4999')
    expect(error.log).not.toContain('line 100\n')
    expect(error.log.length).toBeLessThanOrEqual(16_384)
  })

  it('stops a server that is not ready in time', async () => {
    const script = `console.log('pid ' + process.pid); ${forever}`
    const options = { ready: () => Promise.reject(new Error('refused')), startTimeoutMs: 400 }
    const error = (await start(script, options).catch((e: unknown) => e)) as ServerStartError
    expect(error.message).toContain('the server was not ready within 400 ms')
    expect(error.cause).toEqual(new Error('refused'))
    expect(isAlive(Number(/pid (\d+)/.exec(error.log)?.[1]))).toBe(false)
  })

  it('kills one that ignores the stop signal', async () => {
    const script = `process.on('SIGTERM', () => {}); console.log('ready'); ${forever}`
    const child = await start(script, { stopTimeoutMs: 100 })
    await child.stop()
    await expect(child.ended).resolves.toBe('was ended by SIGKILL')
  })

  it('stops one that is frozen', async () => {
    const child = await start(`console.log('ready'); ${forever}`)
    child.signal('SIGSTOP')
    await child.stop()
    await expect(child.ended).resolves.toBe('was ended by SIGTERM')
  })

  it('names a command that does not exist', async () => {
    await expect(start('', { command: '/nowhere/server' })).rejects.toThrow(
      /the server could not be started: .*\/nowhere\/server ENOENT/,
    )
  })

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'leaves no child behind when this process ends by %s',
    async (signal) => {
      const script = `
        const { startChild } = await import(${JSON.stringify(CHILD)})
        const args = ['-e', "console.log('ready'); setInterval(() => {}, 1000)"]
        const ready = (log) => log.includes('ready')
        const child = await startChild({ name: 'x', command: process.execPath, args, ready })
        console.log(child.pid)`
      const parent = spawn(NODE, ['--input-type=module', '-e', script])
      const [output] = (await once(parent.stdout, 'data')) as [Buffer]
      const pid = Number(output.toString())
      expect(isAlive(pid)).toBe(true)

      parent.kill(signal)
      await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 5_000 })
    },
  )
})
