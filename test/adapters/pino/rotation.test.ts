import { copyFileSync, existsSync, readFileSync, renameSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createDecisionLog } from '../../../src/adapters/pino/decision-log.ts'
import type { DecisionRecord } from '../../../src/domain/record.ts'
import { nowMs } from '../../support/builders.ts'
import { recordedDecision } from '../../support/decision-records.ts'
import { eventually } from '../../support/eventually.ts'
import { testFolder } from '../../support/folder.ts'
import { filesOf, readLogFile, requestIds } from '../../support/log-lines.ts'
import { startLoggingService } from '../../support/logging-service.ts'

const long = (index: number): string => `${index}`.padEnd(2_000, '.')

/** Every line is there once, none is torn, and each file says by which policy. */
function expectWhole(file: string, count: number, requestId: (index: number) => string): void {
  const all: unknown[] = []
  for (const one of filesOf(file)) {
    const { broken, lines } = readLogFile(one)
    expect([one, broken]).toEqual([one, []])
    expect([one, lines[0]?.['type']]).toEqual([one, 'policy'])
    all.push(...requestIds(lines))
  }
  const asked = Array.from({ length: count }, (_, index) => requestId(index))
  expect(all.length).toBe(count)
  expect(new Set(all)).toEqual(new Set(asked))
}

describe('a decision log that is rotated under load', () => {
  it('by SIGHUP loses and tears no line, and each file begins with the policy', async () => {
    const file = join(testFolder(), 'decisions.log')
    const service = await startLoggingService({ TENANTGATE_DECISION_LOG: file })
    const count = 6_000
    const asking = service.askMany(count, String)
    for (let rotation = 1; rotation <= 8; rotation += 1) {
      await eventually(() => existsSync(file) && readLogFile(file).lines.length > 100)
      renameSync(file, `${file}.${rotation}`)
      service.process.signal('SIGHUP')
      await eventually(() => existsSync(file))
    }
    expect(new Set(await asking)).toEqual(new Set([200]))
    service.process.signal('SIGTERM')
    expect(await service.process.ended).toBe('exited with status 0')
    expect(filesOf(file)).toHaveLength(9)
    expectWhole(file, count, String)
  })

  it('by size loses and tears no line, and no file is larger', async () => {
    const file = join(testFolder(), 'decisions.log')
    const service = await startLoggingService({
      TENANTGATE_DECISION_LOG: file,
      TENANTGATE_DECISION_LOG_MAX_SIZE: '1MB',
      TENANTGATE_DECISION_LOG_KEEP: '50',
    })
    const count = 4_000
    await service.askMany(count, long)
    service.process.signal('SIGTERM')
    expect(await service.process.ended).toBe('exited with status 0')
    expect(filesOf(file).length).toBeGreaterThan(8)
    for (const one of filesOf(file)) {
      expect(readFileSync(one).length).toBeLessThanOrEqual(1_000_000)
    }
    expectWhole(file, count, long)
  })

  it('by copying and truncating has no torn line and no hole', async () => {
    const file = join(testFolder(), 'decisions.log')
    const service = await startLoggingService({ TENANTGATE_DECISION_LOG: file })
    const asking = service.askMany(4_000, long)
    for (let copy = 1; copy <= 3; copy += 1) {
      await eventually(() => readLogFile(file).lines.length > 100)
      copyFileSync(file, `${file}.${copy}`)
      truncateSync(file)
    }
    await asking
    service.process.signal('SIGTERM')
    await service.process.ended
    const { broken, lines } = readLogFile(file)
    expect(broken).toEqual([])
    expect(lines.at(-1)).toMatchObject({ request_id: long(3_999) })
    expect(readFileSync(file, 'utf8')).not.toContain('\0')
  })
})

describe('a decision log of a process', () => {
  const recordOf = (index: number): DecisionRecord => ({
    ...recordedDecision(index, { atMs: nowMs }),
    request_id: long(index),
  })

  function logTo(sink: string, maxBytes?: number) {
    const faults: unknown[] = []
    const log = createDecisionLog({
      ...{ sink, maxBytes, keep: 2 },
      now: () => '',
      onDropped: () => undefined,
      onFault: (cause) => faults.push(cause),
    })
    log.policy('sha256:1', { version: 1 } as never)
    return { log, faults }
  }

  async function write(log: ReturnType<typeof logTo>['log'], from: number, count: number) {
    for (let index = from; index < from + count; index += 1) {
      log.decision(recordOf(index))
      if (index % 100 === 99) await eventually(() => log.usage().queuedBytes < 1_000_000)
    }
    await eventually(() => log.usage().queuedBytes === 0)
  }

  it('keeps as many files as it is told, the latest', async () => {
    const file = join(testFolder(), 'decisions.log')
    const { log } = logTo(file, 1_000_000)
    await write(log, 0, 3_000)
    expect(log.usage().rotations).toBeGreaterThanOrEqual(5)
    await log.close()
    expect(filesOf(file).toSorted()).toEqual([file, `${file}.1`, `${file}.2`])
    const kept = [`${file}.2`, `${file}.1`, file].flatMap((one) =>
      requestIds(readLogFile(one).lines),
    )
    expect(kept).toEqual(
      Array.from({ length: kept.length }, (_, index) => long(3_000 - kept.length + index)),
    )
  })

  it('begins the new file at once, also where nothing is to be written', async () => {
    const file = join(testFolder(), 'decisions.log')
    const { log } = logTo(file)
    await eventually(() => readLogFile(file).lines.length === 1)
    renameSync(file, `${file}.1`)
    log.reopen()
    await eventually(() => readLogFile(file).lines.length === 1)
    expect(readLogFile(file).lines).toMatchObject([{ type: 'policy', policy: 'sha256:1' }])
    await log.close()
  })

  it('says by which policy again and again', async () => {
    const file = join(testFolder(), 'decisions.log')
    const log = createDecisionLog({
      ...{ sink: file, policyEveryMs: 20, now: () => new Date().toISOString() },
      ...{ onDropped: () => undefined, onFault: () => undefined },
    })
    log.policy('sha256:1', { version: 1 } as never)
    log.policy('sha256:2', { version: 1 } as never)
    await eventually(() => readLogFile(file).lines.length > 3)
    await log.close()
    const { lines } = readLogFile(file)
    // Under the first, checks may have been under way.
    const [first, ...others] = lines.map(({ policy }) => policy)
    expect(first).toBe('sha256:1')
    expect(new Set(others)).toEqual(new Set(['sha256:2']))
    const again = lines.slice(2).map(({ timestamp }) => timestamp)
    expect(new Set(again).size).toBe(again.length)
  })

  it('begins with both policies where one has just replaced the other', async () => {
    const file = join(testFolder(), 'decisions.log')
    const { log } = logTo(file)
    log.policy('sha256:2', { version: 1 } as never)
    log.decision(recordOf(1))
    await eventually(() => log.usage().queuedBytes === 0)
    log.policy('sha256:3', { version: 1 } as never)
    await eventually(() => log.usage().queuedBytes === 0)
    renameSync(file, `${file}.1`)
    log.reopen()
    // A check that was begun under the policy before is decided only now.
    log.decision(recordOf(2))
    await log.close()
    expect(readLogFile(file).lines).toMatchObject([
      { policy: 'sha256:2' },
      { policy: 'sha256:3' },
      { type: 'decision' },
    ])
  })

  it('goes on in the old file where the new one cannot be opened, and tells', async () => {
    const folder = join(testFolder(), 'logs')
    const file = join(folder, 'decisions.log')
    const { log, faults } = logTo(file)
    await eventually(() => readLogFile(file).lines.length === 1)
    renameSync(folder, `${folder}-away`)
    log.reopen()
    await eventually(() => faults.length > 0)
    log.decision(recordOf(1))
    await log.close()
    expect(readLogFile(join(`${folder}-away`, 'decisions.log')).lines).toHaveLength(2)
  })
})
