import { execFileSync, spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startNats } from '../../src/adapters/servers/nats.ts'
import { ensureWheels } from '../../src/adapters/servers/wheels.ts'
import { changePublisher } from '../support/change-publisher.ts'
import { eventually } from '../support/eventually.ts'
import { testFolder } from '../support/folder.ts'
import { readLogFile, requestIds } from '../support/log-lines.ts'
import { startLoggingService, type LoggingService } from '../support/logging-service.ts'

const required = { TENANTGATE_DECISION_LOG_REQUIRED: 'true' }
const answers = (service: LoggingService, status: number): Promise<unknown> =>
  eventually(async () => (await service.ask('again')) === status, { withinMs: 15_000 })
const limitFileSize = (pid: number, bytes: string): unknown =>
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`])

describe('a decision that must be logged and cannot be is 503, until it can:', () => {
  it('a file that cannot grow', async () => {
    const file = join(testFolder(), 'decisions.log')
    const service = await startLoggingService({ ...required, TENANTGATE_DECISION_LOG: file })
    expect(await service.ask('first')).toBe(200)
    await eventually(() => requestIds(readLogFile(file).lines).length === 1)
    limitFileSize(service.process.pid, '3000')
    await answers(service, 503)
    expect(await service.metric('tenantgate_decision_log_dropped_total')).toBeGreaterThan(0)
    expect(service.process.log()).toContain('decisions are not logged')
    limitFileSize(service.process.pid, 'unlimited')
    await answers(service, 200)
    await service.process.close()
    const { broken } = readLogFile(file)
    expect(broken).toEqual([])
  })

  it('a pipe whose reader went away', async () => {
    const pipe = join(testFolder(), 'pipe')
    execFileSync('mkfifo', [pipe])
    const read = () => spawn('cat', [pipe], { stdio: 'ignore' })
    const first = read()
    const service = await startLoggingService({ ...required, TENANTGATE_DECISION_LOG: pipe })
    expect(await service.ask('first')).toBe(200)
    first.kill('SIGKILL')
    await answers(service, 503)
    const second = read()
    onTestFinished(() => void second.kill())
    await answers(service, 200)
  })

  it('a reader that does not read, once the queue is full', { timeout: 60_000 }, async () => {
    const pipe = join(testFolder(), 'pipe')
    execFileSync('mkfifo', [pipe])
    const reader = createReadStream(pipe)
    onTestFinished(() => void reader.destroy())
    const service = await startLoggingService({ ...required, TENANTGATE_DECISION_LOG: pipe })
    const id = 'x'.repeat(300_000)
    await eventually(async () => (await service.ask(id)) === 503, { withinMs: 30_000, everyMs: 1 })
    reader.resume()
    await answers(service, 200)
  })

  it('a NATS server that is down', { timeout: 60_000 }, async () => {
    const nats = await startNats({ binaries: await ensureWheels({}) })
    onTestFinished(nats.close)
    const owner = await changePublisher(nats.url)
    onTestFinished(owner.close)
    await owner.createStream({ name: 'LOG', subjects: ['decisions'] })
    const service = await startLoggingService({
      ...required,
      TENANTGATE_DECISION_LOG: 'nats:decisions',
      NATS_URL: nats.url,
    })
    await answers(service, 200)
    await nats.stop()
    await answers(service, 503)
    await nats.start()
    await answers(service, 200)
  })

  it('but an allow that is not to be logged needs no log', async () => {
    const service = await startLoggingService({
      ...{ ...required, TENANTGATE_DECISION_LOG: '/dev/full' },
      TENANTGATE_DECISION_LOG_ALLOWS: '0',
    })
    await eventually(async () => (await service.ask('denied', '/nowhere')) === 503)
    expect(await service.ask('allowed')).toBe(200)
  })
})
