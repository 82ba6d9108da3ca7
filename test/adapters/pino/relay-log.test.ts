import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createRelayLog } from '../../../src/adapters/pino/relay-log.ts'
import { eventually } from '../../support/eventually.ts'
import { testFolder } from '../../support/folder.ts'
import { filesOf, readLogFile, requestIds } from '../../support/log-lines.ts'

/** A log of several processes, each a stream that a test writes to. */
function relayTo(sink: string, options: { readonly maxBytes?: number } = {}) {
  const broken: boolean[] = []
  const faults: unknown[] = []
  let dropped = 0
  const log = createRelayLog({
    ...{ sink, maxBytes: options.maxBytes, keep: 99 },
    now: () => 'now',
    onDropped: (lines) => void (dropped += lines),
    onBroken: (state) => void broken.push(state),
    onFault: (cause) => void faults.push(cause),
  })
  const process = (): PassThrough => {
    const stream = new PassThrough()
    log.take(stream)
    return stream
  }
  log.policy('sha256:1', { version: 1 } as never)
  return { log, process, broken, faults, dropped: () => dropped }
}
const line = (id: string, length = 0): string =>
  `${JSON.stringify({ type: 'decision', request_id: id, pad: 'x'.repeat(length) })}\n`

describe('a log that several processes write to', () => {
  it('holds whole lines, however they come', async () => {
    const file = join(testFolder(), 'decisions.log')
    const { log, process } = relayTo(file)
    const streams = [process(), process(), process()]
    const expected: string[] = []
    const rests = streams.map((_stream, at) => {
      const ids = Array.from({ length: 200 }, (_, n) => `${at}-${n}-é`)
      expected.push(...ids)
      return Buffer.from(ids.map((id) => line(id, at * 50)).join(''))
    })
    // In pieces that end anywhere, also within a character, one process after another.
    for (let at = 0, length = 1; rests.some((rest) => at < rest.length); at += length) {
      length = (at % 97) + 1
      for (const [index, rest] of rests.entries()) {
        streams[index]?.write(rest.subarray(at, at + length))
      }
    }
    for (const stream of streams) stream.end()
    await eventually(() => log.usage().writtenLines === 601)
    await log.close()
    const { broken, lines } = readLogFile(file)
    expect([broken, lines[0]?.['type'], requestIds(lines).sort()]).toEqual([
      ...[[], 'policy', expected.sort()],
    ])
  })

  it('leaves out the line that a killed process did not end, and counts it', async () => {
    const file = join(testFolder(), 'decisions.log')
    const { dropped, log, process } = relayTo(file)
    const [killed, other] = [process(), process()]
    killed.write(line('a') + line('b').slice(0, 20))
    killed.end()
    other.write(line('c'))
    await eventually(() => log.usage().writtenLines === 3 && dropped() === 1)
    await log.close()
    expect(readLogFile(file).broken).toEqual([])
    expect(requestIds(readLogFile(file).lines).sort()).toEqual(['a', 'c'])
  })

  it('is rotated by size and by hand without a lost line, each file with the policy first', async () => {
    const file = join(testFolder(), 'decisions.log')
    const { log, process } = relayTo(file, { maxBytes: 100_000 })
    const stream = process()
    for (let n = 0; n < 1_000; n += 1) {
      stream.write(line(`${n}`, 500))
      if (n === 500) {
        await eventually(() => log.usage().queuedBytes === 0)
        renameSync(file, `${file}.by-hand`)
        log.reopen()
        await eventually(() => existsSync(file))
      } else if (n % 20 === 0) await eventually(() => log.usage().queuedBytes === 0)
    }
    await eventually(() => log.usage().queuedBytes === 0)
    await log.close()
    const ids: unknown[] = []
    for (const one of filesOf(file)) {
      const { broken, lines } = readLogFile(one)
      expect([one, broken, lines[0]?.['type']]).toEqual([one, [], 'policy'])
      expect(readFileSync(one).length).toBeLessThanOrEqual(100_000)
      ids.push(...requestIds(lines))
    }
    expect(filesOf(file).length).toBeGreaterThan(5)
    expect(new Set(ids)).toEqual(new Set(Array.from({ length: 1_000 }, (_, n) => `${n}`)))
  })

  it('goes on reading when the sink takes lines again', async () => {
    const pipe = join(testFolder(), 'pipe')
    execFileSync('mkfifo', [pipe])
    const { dropped, log, process } = relayTo(pipe)
    const stream = process()
    const many = line('a', 60_000).repeat(17)
    for (let n = 0; n < 20; n += 1) stream.write(many)
    await eventually(() => stream.isPaused())
    const reader = spawn('wc', ['-l', pipe])
    let told = ''
    reader.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
    await eventually(() => log.usage().writtenLines === 341)
    await log.close()
    await eventually(() => told !== '')
    expect([told.trim().split(' ')[0], dropped()]).toEqual(['341', 0])
  })

  it('says that it takes nothing, keeps what it has taken for a time, and reads no more', async () => {
    const { broken, log, process } = relayTo('/dev/full')
    const stream = process()
    await eventually(() => broken.length > 0)
    expect(broken).toEqual([true])
    const many = line('a', 60_000).repeat(17)
    for (let n = 0; n < 20; n += 1) stream.write(many)
    await eventually(() => stream.isPaused())
    expect(log.usage().queuedBytes).toBeLessThan(11 * 1024 * 1024)
    await log.close()
    expect(log.usage().droppedLines).toBeGreaterThan(100)
  })
})
