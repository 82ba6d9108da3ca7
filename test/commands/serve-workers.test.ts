import { execFileSync, spawn } from 'node:child_process'
import { closeSync, createReadStream, openSync, renameSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { examplePolicy } from '../../src/demo/stack.ts'
import { startTenantgate } from '../../src/demo/tenantgate-process.ts'
import { authorizationClient, httpRequestBytes } from '../support/authorization-client.ts'
import { childPids, runs } from '../support/child-pids.ts'
import { tenantgate } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { testFolder } from '../support/folder.ts'
import { secret } from '../support/instance.ts'
import { filesOf, readLog, readLogFile, requestIds } from '../support/log-lines.ts'
import { startLoggingService } from '../support/logging-service.ts'

const two = { TENANTGATE_WORKERS: '2' }
const offline = {
  TENANTGATE_POLICY: examplePolicy,
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  BETTER_AUTH_SECRET: secret,
  TENANTGATE_HTTP_LISTEN: '127.0.0.1:0',
}

function accepts(address: string): Promise<boolean> {
  const [host = '', port = ''] = address.split(':')
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(Number(port), host)
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

describe('workers', () => {
  it('do not mind a signal to all of the group; one is replaced by SIGTERM; all end after their supervisor', async () => {
    const service = await startLoggingService({
      ...two,
      TENANTGATE_DRAIN: '200ms',
      TENANTGATE_DECISION_LOG: 'off',
    })
    const [first = 0, second = 0] = childPids(service.process.pid)
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR2'] as const) process.kill(first, signal)
    process.kill(second, 'SIGTERM')
    await eventually(() => !runs(second) && childPids(service.process.pid).length === 2, {
      withinMs: 20_000,
    })
    expect(runs(first)).toBe(true)
    await eventually(async () => (await service.askMany(10, String)).every((one) => one === 200), {
      withinMs: 10_000,
    })
    expect(service.process.log()).not.toContain('a worker has ended')

    // Nobody would tell them of a policy.
    const pids = childPids(service.process.pid)
    service.process.signal('SIGKILL')
    await eventually(() => !pids.some(runs), { withinMs: 8_000 })
    for (const address of service.process.workerAddresses) {
      expect(await accepts(address)).toBe(false)
    }
  })

  it('listen on socket files side by side, also where a killed one left its own behind', async () => {
    const path = join(testFolder(), 'gate.sock')
    const service = await startLoggingService({ ...two, TENANTGATE_GRPC_LISTEN: `unix:${path}` })
    expect(service.process.workerAddresses).toEqual([`unix:${path}`, `unix:${path}.1`])
    expect(await service.askMany(10, String)).toEqual(Array(10).fill(200))
    for (const pid of childPids(service.process.pid)) process.kill(pid, 'SIGKILL')
    await eventually(
      async () => {
        const statuses = await service.askMany(10, String).catch(() => [])
        return statuses.length === 10 && statuses.every((status) => status === 200)
      },
      { withinMs: 20_000 },
    )
  })

  it('are not started where one of them cannot listen, and none stays', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await eventually(() => taken.listening)
    const { port } = taken.address() as AddressInfo
    const { status, stderr } = await tenantgate(['serve'], {
      ...offline,
      ...two,
      TENANTGATE_GRPC_LISTEN: `127.0.0.1:${port - 1}`,
    })
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(new RegExp(`cannot listen on 127.0.0.1:${port}`)),
    ])
    expect(await accepts(`127.0.0.1:${port - 1}`)).toBe(false)
  })

  it('are no command of their own', async () => {
    const child = spawn(process.execPath, ['src/check-worker.ts'], { stdio: 'pipe' })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const status = await new Promise((resolve) => child.once('close', resolve))
    expect([status, said]).toEqual([2, 'this is run by `tenantgate serve` alone\n'])
  })
})

describe('the one log of two workers', () => {
  it('loses and tears no line when it is rotated, or when one of them is killed', async () => {
    const file = join(testFolder(), 'decisions.log')
    const service = await startLoggingService({ ...two, TENANTGATE_DECISION_LOG: file })
    const [first = 0] = childPids(service.process.pid)
    const count = 3_000
    const asking = service.askMany(count, String)
    for (let rotation = 1; rotation <= 3; rotation += 1) {
      await eventually(() => readLogFile(file).lines.length > 100)
      renameSync(file, `${file}.${rotation}`)
      service.process.signal('SIGHUP')
      await eventually(() => readLogFile(file).lines.length > 0)
    }
    expect(new Set(await asking)).toEqual(new Set([200]))
    await eventually(
      () => filesOf(file).flatMap((one) => requestIds(readLogFile(one).lines)).length === count,
      { everyMs: 100 },
    )
    process.kill(first, 'SIGKILL')
    await eventually(() => !runs(first))
    service.process.signal('SIGTERM')
    expect(await service.process.ended).toBe('exited with status 0')
    for (const one of filesOf(file)) {
      const { broken, lines } = readLogFile(one)
      expect([one, broken, lines[0]?.['type']]).toEqual([one, [], 'policy'])
    }
  })

  it('is standard output too, in whole lines', async () => {
    const decision = '"type":"decision"'
    const pipe = join(testFolder(), 'pipe')
    execFileSync('mkfifo', [pipe])
    const writeEnd = openSync(pipe, 'r+')
    onTestFinished(() => closeSync(writeEnd))
    const served = spawn(process.execPath, ['src/main.ts', 'serve'], {
      env: {
        ...{ PATH: process.env['PATH'], ...offline, ...two },
        ...{ TENANTGATE_GRPC_LISTEN: '127.0.0.1:0', TENANTGATE_DRAIN: '0s' },
      },
      stdio: ['ignore', writeEnd, 'pipe'],
    })
    onTestFinished(() => void served.kill('SIGKILL'))
    let [output, decisions, log] = ['', 0, '']
    served.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text))
    await eventually(() => log.includes('"listening"'), { withinMs: 20_000 })
    const line = log.split('\n').find((one) => one.includes('"listening"')) ?? ''
    const { workers } = JSON.parse(line) as { readonly workers: readonly string[] }
    const clients = workers.map((address) => authorizationClient(address))
    const bytes = (id: number) =>
      httpRequestBytes({
        ...{ method: 'GET', path: '/healthz', host: 'h' },
        headers: { 'x-request-id': `${id}`.padEnd(3_000, '.') },
      })
    for (let from = 0; from < 2_000; from += 100) {
      const ids = Array.from({ length: 100 }, (_, more) => from + more)
      await Promise.all(ids.map(async (id) => clients[id % 2]?.check(bytes(id))))
    }
    for (const client of clients) client.close()
    // Read only now, and slowly: a pipe that is full takes a part of what it is given.
    const reader = createReadStream(pipe, { encoding: 'utf8', highWaterMark: 16 * 1024 })
    onTestFinished(() => void reader.destroy())
    let tail = ''
    reader.on('data', (text) => {
      output += String(text)
      // Counted as they come: to look through megabytes again and again takes longer than to read them.
      const parts = (tail + String(text)).split(decision)
      decisions += parts.length - 1
      tail = (parts.at(-1) ?? '').slice(1 - decision.length)
      reader.pause()
      setTimeout(() => reader.resume(), 1)
    })
    await eventually(() => decisions === 2_000, { withinMs: 20_000 })
    served.kill('SIGTERM')
    expect(await new Promise((resolve) => served.once('close', resolve))).toBe(0)
    const { broken, lines } = readLog(output)
    expect(broken).toHaveLength(0)
    expect(new Set(requestIds(lines)).size).toBe(2_000)
    expect(lines.filter(({ type }) => type === 'policy')).toHaveLength(1)
  })

  it('denies by both what must be logged and cannot be, until it can', async () => {
    const file = join(testFolder(), 'decisions.log')
    const service = await startLoggingService({
      ...two,
      TENANTGATE_DECISION_LOG: file,
      TENANTGATE_DECISION_LOG_REQUIRED: 'true',
    })
    const both = async (status: number) =>
      eventually(async () => (await service.askMany(6, String)).every((one) => one === status), {
        withinMs: 15_000,
      })
    const limit = (bytes: string): unknown =>
      execFileSync('prlimit', ['--pid', String(service.process.pid), `--fsize=${bytes}:`])
    await both(200)
    limit('3000')
    await both(503)
    expect(await service.metric('tenantgate_decision_log_dropped_total')).toBeGreaterThan(0)
    // One that starts now is told as well.
    for (const pid of childPids(service.process.pid)) process.kill(pid, 'SIGKILL')
    await eventually(
      async () => {
        const statuses = await service.askMany(6, String).catch(() => [])
        return statuses.length === 6 && statuses.every((status) => status === 503)
      },
      { withinMs: 20_000 },
    )
    limit('unlimited')
    await both(200)
  })

  it('does not keep the service from ending when nobody reads it', async () => {
    const pipe = join(testFolder(), 'pipe')
    execFileSync('mkfifo', [pipe])
    const service = await startTenantgate({
      ...offline,
      ...two,
      TENANTGATE_DECISION_LOG: pipe,
    })
    service.signal('SIGTERM')
    expect(await service.ended).toBe('exited with status 0')
  })
})
