import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createDecisionLog, noDecisionLog } from '../../../src/adapters/pino/decision-log.ts'
import { recordOf, type DecisionRecord } from '../../../src/domain/record.ts'
import type { DecisionLog } from '../../../src/ports/decision-log.ts'
import { decide, factOf, policyWith, requestOf } from '../../support/builders.ts'
import { runScript } from '../../support/child-script.ts'
import { eventually, timed } from '../../support/eventually.ts'
import { testFolder } from '../../support/folder.ts'

const policy = policyWith(['{ name: me, match: GET /me, access: authenticated }'])
const timestamp = '2026-11-20T12:00:00.000Z'

function record(id: string, request = requestOf('GET /me')): DecisionRecord {
  const decision = decide(policy, request, { fact: factOf(['staff']) })
  const context = { decisionId: id, nowMs: 0, timestamp, durationUs: 1, worker: 0, loggedAllows: 1 }
  return recordOf(decision, context)
}

function logTo(sink: string) {
  const told = { dropped: 0, faults: [] as unknown[] }
  const log = createDecisionLog({
    sink,
    now: () => timestamp,
    onDropped: () => (told.dropped += 1),
    onFault: (cause) => told.faults.push(cause),
  })
  return { log, told }
}

const linesOf = (text: string): readonly Record<string, unknown>[] => {
  expect(text === '' || text.endsWith('\n')).toBe(true)
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

/** A decision whose line is about this long. */
const longRecord = (id: string, bytes: number): DecisionRecord =>
  record(id, requestOf('GET /me', { headers: { 'x-request-id': 'x'.repeat(bytes) } }))

describe('a decision log to a file', () => {
  it('holds one JSON line a decision, in order, and policies with all they say', async () => {
    const file = join(testFolder(), 'decisions.log')
    const { log, told } = logTo(file)
    log.policy(policy.version, policy.definition)
    const ids = Array.from({ length: 500 }, (_, index) => `id-${index}`)
    for (const id of ids) expect(log.decision(record(id))).toBe(true)
    await log.close()
    const [first, ...others] = linesOf(readFileSync(file, 'utf8'))
    expect(first).toEqual({
      type: 'policy',
      timestamp,
      policy: policy.version,
      definition: JSON.parse(JSON.stringify(policy.definition)) as unknown,
    })
    expect(others.map((line) => line['decision_id'])).toEqual(ids)
    expect(others[0]).toEqual(JSON.parse(JSON.stringify(record('id-0'))))
    expect(told).toEqual({ dropped: 0, faults: [] })
  })

  it('holds one line for one decision, whatever a client put into it', async () => {
    const file = join(testFolder(), 'decisions.log')
    const { log } = logTo(file)
    const headers = { 'x-request-id': 'a\n{"type":"decision"}\r\n\u2028"\\\u0000\ud800' }
    log.decision(record('one', requestOf('GET /me', { headers })))
    await log.close()
    const lines = linesOf(readFileSync(file, 'utf8'))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ decision_id: 'one' })
  })

  it('is appended to, and its folder is made', async () => {
    const file = join(testFolder(), 'a', 'b', 'decisions.log')
    for (const id of ['one', 'two']) {
      const { log } = logTo(file)
      log.decision(record(id))
      await log.close()
    }
    expect(linesOf(readFileSync(file, 'utf8')).map((line) => line['decision_id'])).toEqual([
      'one',
      'two',
    ])
  })

  it('is written soon, without waiting for more or for the end', async () => {
    const file = join(testFolder(), 'decisions.log')
    const { log } = logTo(file)
    log.decision(record('one'))
    await eventually(() => existsSync(file) && readFileSync(file, 'utf8').includes('one'), {
      withinMs: 2_000,
    })
    await log.close()
  })

  it('is flushed by its close, also when much is waiting', async () => {
    const file = join(testFolder(), 'decisions.log')
    const { log, told } = logTo(file)
    for (let count = 0; count < 200; count += 1) log.decision(longRecord(`id-${count}`, 20_000))
    await log.close()
    expect(linesOf(readFileSync(file, 'utf8'))).toHaveLength(200)
    expect(told).toEqual({ dropped: 0, faults: [] })
  })
})

const modules = { log: 'src/adapters/pino/decision-log.ts' }

describe('a decision log to standard output', () => {
  const script = (body: string): string => `
    const told = { dropped: 0, faults: 0 }
    const decisions = log.createDecisionLog({ sink: 'stdout', now: () => '',
      onDropped: () => (told.dropped += 1), onFault: () => (told.faults += 1) })
    ${body}`

  it('holds the lines, also those of the last moment', async () => {
    const { code, stdout } = await runScript(
      modules,
      script(
        `for (let n = 0; n < 3000; n += 1) decisions.decision({ n }); await decisions.close()`,
      ),
    )
    expect(code).toBe(0)
    expect(linesOf(stdout).map((line) => line['n'])).toEqual(
      Array.from({ length: 3000 }, (_, n) => n),
    )
  })

  it('that nobody reads any more does not end the process, and its losses are counted', async () => {
    const { code, stderr } = await runScript(
      modules,
      script(`
        for (let n = 0; n < 60; n += 1) {
          decisions.decision({ n, padding: 'x'.repeat(5000) })
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        process.stderr.write(JSON.stringify(told) + '\\n')
        process.exit(7)`),
      { onSpawn: (child) => child.stdout?.destroy() },
    )
    expect(stderr).toMatch(/"dropped":[1-9]/)
    expect(stderr).toMatch(/"faults":[1-9]/)
    expect(code).toBe(7)
  })
})

describe('a sink that cannot be written', () => {
  /** Writes and never waits: whatever it returns, it returns at once. */
  function writeAll(log: DecisionLog, count: number, bytes: number): readonly boolean[] {
    return Array.from({ length: count }, (_, index) => log.decision(longRecord(`${index}`, bytes)))
  }

  it('that is full neither throws nor blocks, is told, and what is lost is counted and answered false', async () => {
    const { log, told } = logTo('/dev/full')
    writeAll(log, 5, 5_000)
    await eventually(() => told.faults.length > 0)
    expect(told.faults[0]).toMatchObject({ code: 'ENOSPC' })
    const before = told.dropped
    expect(writeAll(log, 20, 100)).toEqual(Array.from({ length: 20 }, () => false))
    expect(told.dropped - before).toBe(20)
    expect((await timed(log.close())).ms).toBeLessThan(1_500)
  })

  it('counts no line twice, also once the queue is full', async () => {
    const { log, told } = logTo('/dev/full')
    const written = writeAll(log, 1, 5_000).length
    await eventually(() => told.faults.length > 0)
    const more = writeAll(log, 300, 100_000).length
    expect(told.dropped).toBeLessThanOrEqual(written + more)
    await log.close()
  })

  it('takes lines again once it can, none of them broken, and none that it has refused', async () => {
    const file = join(testFolder(), 'decisions.log')
    // A full disk, played by a limit on the size of files that is lifted after a while.
    const { code, stdout, stderr } = await runScript(
      modules,
      `
      import { execFileSync } from 'node:child_process'
      const limit = (bytes) => execFileSync('prlimit', ['--pid', process.pid, '--fsize=' + bytes + ':'])
      const pause = () => new Promise((resolve) => setTimeout(resolve, 20))
      const told = { taken: [], refused: [], faults: 0, refusedUntil: 0 }
      const decisions = log.createDecisionLog({ sink: ${JSON.stringify(file)}, now: () => '',
        onDropped: () => undefined, onFault: () => (told.faults += 1) })
      let n = 0
      const write = () => {
        n += 1
        const line = { n, padding: 'x'.repeat(3000) }
        ;(decisions.decision(line) ? told.taken : told.refused).push(n)
      }
      limit(5000)
      while (told.refused.length < 5 && n < 200) { write(); await pause() }
      limit('unlimited')
      told.refusedUntil = n
      while (!told.taken.some((one) => one > told.refusedUntil) && n < 400) { write(); await pause() }
      for (let more = 0; more < 5; more += 1) write()
      await decisions.close()
      console.log(JSON.stringify(told))`,
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const told = JSON.parse(stdout) as Record<'taken' | 'refused', number[]> &
      Record<'faults' | 'refusedUntil', number>
    expect(told.refused.length).toBeGreaterThanOrEqual(5)
    expect(told.faults).toBeGreaterThan(0)
    expect(told.taken.at(-1)).toBeGreaterThan(told.refusedUntil)
    const kept = linesOf(readFileSync(file, 'utf8')).map((line) => Number(line['n']))
    expect(kept).toEqual(expect.arrayContaining(told.taken))
    expect(kept.filter((n) => told.refused.includes(n))).toEqual([])
  })

  it.each<[string, (folder: string) => string]>([
    ['its folder cannot be made', (folder) => join(folder, 'a-file', 'sub', 'decisions.log')],
    ['it is a folder', (folder) => folder],
  ])('where %s is a fault of the configuration, told at the start', (_title, sinkIn) => {
    const folder = testFolder()
    writeFileSync(join(folder, 'a-file'), '')
    let fault: unknown
    try {
      logTo(sinkIn(folder))
    } catch (error) {
      fault = error
    }
    expect(fault).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('TENANTGATE_DECISION_LOG') as string,
    })
  })

  describe('because nobody reads the pipe that it is', () => {
    /** Runs in a process of its own: what waits for a reader there waits for ever. */
    async function withUnreadPipe(script: string, out = ''): Promise<Record<string, number>> {
      const pipe = join(testFolder(), 'pipe')
      execFileSync('mkfifo', [pipe])
      const { stdout, stderr } = await runScript(
        modules,
        `
        import { writeSync } from 'node:fs'
        const told = { dropped: 0, refused: 0, ms: 0, closed: 0 }
        const decisions = log.createDecisionLog({ sink: ${JSON.stringify(pipe)}, now: () => '',
          onDropped: () => (told.dropped += 1), onFault: () => undefined })
        await new Promise((resolve) => setTimeout(resolve, 100))
        ${script}
        writeSync(1, JSON.stringify(told))
        process.kill(process.pid, 'SIGKILL')`,
        { timeoutMs: 20_000, args: [pipe, out] },
      )
      expect(stderr).toBe('')
      return JSON.parse(stdout) as Record<string, number>
    }

    it('never blocks, and answers false for what the queue no longer takes', async () => {
      const told = await withUnreadPipe(`
        const begin = performance.now()
        for (let n = 0; n < 300; n += 1) {
          if (!decisions.decision({ n, padding: 'x'.repeat(100_000) })) told.refused += 1
        }
        told.ms = performance.now() - begin`)
      expect(told['ms']).toBeLessThan(5_000)
      expect(told['dropped']).toBeGreaterThan(100)
      expect(told['refused']).toBe(told['dropped'])
    })

    it('keeps the policy that was loaded meanwhile, and what it took, for who reads at last', async () => {
      const out = join(testFolder(), 'out')
      const told = await withUnreadPipe(
        `
        import { spawn } from 'node:child_process'
        while (decisions.decision({ n: told.refused, padding: 'x'.repeat(100_000) }));
        while (decisions.decision({}));
        decisions.policy('sha256:1', { version: 1 })
        const reader = spawn('sh', ['-c', 'exec cat ' + process.argv[1] + ' > ' + process.argv[2]])
        const read = new Promise((resolve) => reader.once('close', resolve))
        for (let tries = 0; tries < 500 && told.taken !== 1; tries += 1) {
          await new Promise((resolve) => setTimeout(resolve, 20))
          if (decisions.decision({ n: 'last' })) told.taken = 1
        }
        await decisions.close()
        await read`,
        out,
      )
      expect(told).toMatchObject({ taken: 1 })
      const lines = linesOf(readFileSync(out, 'utf8'))
      expect(lines.filter(({ type }) => type === 'policy')).toMatchObject([{ policy: 'sha256:1' }])
      expect(lines.at(-1)).toEqual({ n: 'last' })
    })

    it('does not keep the service from closing for ever', async () => {
      const told = await withUnreadPipe(`
        decisions.decision({ n: 1 })
        const late = new Promise((resolve) => setTimeout(resolve, 5_000, 0))
        told.closed = await Promise.race([decisions.close().then(() => 1), late])`)
      expect(told).toMatchObject({ closed: 1 })
    })
  })
})

describe('a decision log that is off', () => {
  it('takes everything and keeps nothing', async () => {
    expect(noDecisionLog.decision(record('one'))).toBe(true)
    noDecisionLog.policy(policy.version, policy.definition)
    await noDecisionLog.close()
  })
})
