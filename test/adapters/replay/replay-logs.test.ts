import {
  appendFileSync,
  linkSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { findFiles } from '../../../src/adapters/replay/find-files.ts'
import { partsOf, readRange, type LogPart } from '../../../src/adapters/replay/log-part.ts'
import { sha256 } from '../../../src/adapters/replay/part-replay.ts'
import { replayLogs, type LogInput } from '../../../src/adapters/replay/replay-logs.ts'
import { replayParts } from '../../../src/adapters/replay/replay-parts.ts'
import { createReplayPolicies } from '../../../src/application/replay-policies.ts'
import { reportOf, type ReplayReport } from '../../../src/application/replay-report.ts'
import { policyWith } from '../../support/builders.ts'
import { decisionLine, policyLine } from '../../support/decision-lines.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenantgate-replay-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const file = (bytes: string | Buffer): string => {
  files += 1
  const path = join(folder, `log-${files}.jsonl`)
  writeFileSync(path, bytes)
  return path
}

const route = '{ name: read, match: "GET /o/{organizationId}", permission: leave:read }'
const policy = policyWith([route])
const other = policyWith([route, '{ name: me, match: GET /me, access: authenticated }'])
const candidate = policyWith([route.replace('leave:read', 'leave:approve')])
const roles = ['viewer', 'staff', 'x']
const decisions = (count: number, by = policy): readonly string[] =>
  Array.from({ length: count }, (_, index) =>
    decisionLine(by, { role: roles[index % 3] ?? '', user: `u${index % 7}` }),
  )
const text = (...lines: readonly string[]): string => `${lines.join('\n')}\n`

async function replayed(
  inputs: readonly (string | LogInput)[],
  options: Partial<Parameters<typeof replayLogs>[0]> = {},
): Promise<ReplayReport & { readonly faults: readonly object[] }> {
  const { faults, tally } = await replayLogs({
    inputs: inputs.map((input) => (typeof input === 'string' ? { file: input } : input)),
    policies: createReplayPolicies(sha256),
    candidate,
    filter: {},
    threads: 2,
    ...options,
  })
  return { ...reportOf(tally), faults }
}

/** All of a file as one range. */
function rangeOf(path: string) {
  const [part] = partsOf(path, 0) ?? []
  if (part?.kind !== 'range') throw new Error('it is not cut into ranges')
  return part
}

describe('a range of a file', () => {
  it('holds the lines that begin in it: each stands in one range, however the file is cut', () => {
    const lines = ['{"n":0}', '', '{"n":1,"text":"Jörg"}', '{"n":2}\r', '{', '{"n":3}']
    const path = file(lines.join('\n'))
    const bytes = Buffer.byteLength(lines.join('\n'))
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: bytes - 1 }), { maxLength: 8 }), (cuts) => {
        const bounds = [...new Set([0, ...cuts, bytes])].sort((a, b) => a - b)
        let read = ''
        for (const [index, from] of bounds.slice(0, -1).entries()) {
          const to = bounds[index + 1] ?? bytes
          readRange(
            { ...rangeOf(path), from, to },
            {
              begin: (at) => expect(at).toBeGreaterThanOrEqual(from),
              chunk: (chunk) => void (read += chunk.toString()),
            },
          )
        }
        expect(read).toBe(lines.join('\n'))
      }),
    )
  })

  const readWhole = (part: ReturnType<typeof rangeOf>, onChunk = (): void => undefined) => {
    let read = ''
    const why = readRange(part, {
      begin: () => undefined,
      chunk(chunk) {
        read += chunk.toString()
        onChunk()
      },
    })
    return { read, why }
  }

  it('says so where the file was cut before it was read, or while it is read', () => {
    const cut = file(text('1', '2'))
    const part = rangeOf(cut)
    truncateSync(cut, 2)
    expect(readWhole(part)).toEqual({ read: '', why: 'it got shorter while it was read' })
    const bytes = `${'x'.repeat(99)}\n`.repeat(20_000)
    const large = file(bytes)
    const { read, why } = readWhole(rangeOf(large), () => truncateSync(large, 0))
    expect([read.length < bytes.length, why]).toEqual([true, 'it got shorter while it was read'])
  })

  it('says so where a rotation gave its name to another file', () => {
    const path = file(text('1', '2'))
    const part = rangeOf(path)
    renameSync(path, `${path}.old`)
    writeFileSync(path, text('3', '4', '5'))
    expect(readWhole(part)).toEqual({
      read: '',
      why: 'another file took its name while it was read',
    })
  })

  it('takes a file that only grew, and a last line without its end', () => {
    const path = file('1\n2')
    const part = rangeOf(path)
    appendFileSync(path, '\n3\n')
    expect(readWhole(part)).toEqual({ read: '1\n2\n', why: undefined })
    expect(readWhole(rangeOf(file('1\n2')))).toEqual({ read: '1\n2', why: undefined })
  })
})

describe('threads', () => {
  const lines = [policyLine(policy), ...decisions(60), policyLine(other), ...decisions(60, other)]
  const bytes = Buffer.from(text(...lines, '{"level":30}', '{"type":"deci'))
  const path = file(bytes)
  const cutAt = (cuts: readonly number[]): readonly LogPart[] => {
    const bounds = [...new Set([0, ...cuts, bytes.length])].sort((a, b) => a - b)
    return bounds.slice(0, -1).map((from, index) => ({
      ...rangeOf(path),
      from,
      to: bounds[index + 1] ?? bytes.length,
    }))
  }
  const run = async (parts: readonly LogPart[], threads: number): Promise<ReplayReport> => {
    const { tally } = await replayParts({
      parts,
      threads,
      policies: createReplayPolicies(sha256),
      candidate: [candidate.version, candidate.definition],
      filter: {},
      onRead: () => undefined,
    })
    return reportOf(tally)
  }

  it('come to what one alone comes to, wherever the file is cut and policies stand', async () => {
    const whole = await run(cutAt([]), 0)
    expect(whole).toMatchObject({ decisions: 120, skipped: 2, flips: { allow_to_deny: 40 } })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 0, max: 3 }),
        async (cuts, threads) => {
          expect(await run(cutAt(cuts), threads)).toEqual(whole)
        },
      ),
      { numRuns: 15 },
    )
  })

  it('are given up when the replay is', async () => {
    const stop = new AbortController()
    stop.abort(new Error('given up'))
    await expect(replayed([path], { signal: stop.signal })).rejects.toThrow('given up')
  })

  it('tell how far they are', async () => {
    const seen: number[][] = []
    await replayed([path, path], { onProgress: (...numbers) => void seen.push(numbers) })
    expect(seen.at(-1)).toEqual([bytes.length * 2, bytes.length * 2])
  })
})

const byte = (value: number): Buffer => Buffer.from([value])
const streamOf = (...chunks: readonly (string | Buffer)[]): LogInput => ({
  name: 'standard input',
  repeatable: false,
  async *open() {
    for (const chunk of chunks) yield Buffer.from(chunk as string)
  },
})

/** What pzstd writes first: the size of the frame behind it. */
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4])

/** A file as two ranges. */
function cutInTwo(path: string): readonly LogPart[] {
  const part = rangeOf(path)
  const middle = Math.floor(part.to / 2)
  return [
    { ...part, to: middle },
    { ...part, from: middle },
  ]
}

describe('a log replays', () => {
  const whole = text(policyLine(policy), ...decisions(30))
  const flips = {
    decisions: 30,
    flips: { allow_to_deny: 10, deny_to_allow: 0 },
    skipped: 0,
    faults: [],
  }
  const compressed: readonly (readonly [string, Buffer])[] = [
    ['gzip', gzipSync(whole)],
    ['zstd', zstdCompressSync(whole)],
    ['zstd in parallel', Buffer.concat([skippable, zstdCompressSync(whole)])],
  ]

  it.each(compressed)('compressed by %s, whatever it is called', async (_name, bytes) => {
    expect(await replayed([file(bytes)])).toMatchObject(flips)
  })

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('of several archives of %s, one after the other', async (_name, compress) => {
    const more = compress(text(...decisions(30)))
    const report = await replayed([file(Buffer.concat([compress(whole), more]))])
    expect(report).toMatchObject({ decisions: 60, skipped: 0, faults: [] })
  })

  it.each(compressed)('as far as an archive of %s goes that is cut off', async (_name, bytes) => {
    const big = text(policyLine(policy), ...decisions(3_000))
    const cut = (_name === 'gzip' ? gzipSync(big) : zstdCompressSync(big)).subarray(0, -2_000)
    const report = await replayed([file(bytes), file(cut)])
    expect(report.decisions).toBeGreaterThan(30)
    expect(report.faults).toEqual([
      { file: expect.stringMatching(/log-\d+/) as string, message: 'unexpected end of file' },
    ])
  })

  it.each([
    ['gzip', gzipSync, 'more'],
    ['gzip', gzipSync, '\0more'],
    ['zstd', zstdCompressSync, 'more'],
    ['zstd', zstdCompressSync, '\0more'],
  ] as const)('of %s with something behind it, and says so (%#)', async (_name, compress, more) => {
    const bytes = Buffer.concat([compress(whole), Buffer.from(more)])
    for (const input of [file(bytes), streamOf(bytes), streamOf(...[...bytes].map(byte))]) {
      const report = await replayed([input])
      expect(report.faults).toHaveLength(1)
    }
  })

  it.each([gzipSync, zstdCompressSync])('with zeros behind it, as tapes have them', async (by) => {
    const report = await replayed([file(Buffer.concat([by(whole), Buffer.alloc(512)]))])
    expect(report).toMatchObject(flips)
  })

  it('once, where it was rotated away before its other parts were read', async () => {
    const path = file(whole)
    const parts = cutInTwo(path)
    renameSync(path, `${path}.old`)
    writeFileSync(path, whole)
    const { faults } = await replayParts({
      parts,
      ...{ threads: 0, policies: createReplayPolicies(sha256), candidate: undefined, filter: {} },
      onRead: () => undefined,
    })
    const message = 'another file took its name while it was read'
    expect(faults).toEqual([{ file: path, message }])
  })

  it('whose policy stands in another file, before it or after it', async () => {
    const without = file(text(...decisions(30)))
    expect(await replayed([without, file(whole)])).toMatchObject({ decisions: 60, skipped: 0 })
    expect(await replayed([file(whole), without])).toMatchObject({ decisions: 60, skipped: 0 })
    expect(await replayed([without])).toMatchObject({
      decisions: 0,
      skipped_by: { without_policy: { [policy.version]: 30 } },
    })
  })

  it('of which nothing is left but its policy', async () => {
    expect(await replayed([file(text(policyLine(policy))), file('')])).toMatchObject({
      decisions: 0,
      skipped: 0,
    })
  })
})

describe('a stream replays', () => {
  const stream = streamOf
  const lines = decisions(30)

  it('in whatever chunks it comes', async () => {
    const whole = text(policyLine(policy), ...lines)
    const report = await replayed([
      stream(whole.slice(0, 2), whole.slice(2, 999), whole.slice(999)),
    ])
    expect(report).toMatchObject({ decisions: 30, flips: { allow_to_deny: 10 }, faults: [] })
  })

  it.each([gzipSync, zstdCompressSync])('compressed', async (compress) => {
    const bytes = compress(text(policyLine(policy), ...lines))
    const parts = [bytes.subarray(0, 1), bytes.subarray(1, 50), bytes.subarray(50)]
    expect(await replayed([stream(...parts)])).toMatchObject({ decisions: 30, faults: [] })
  })

  it('whose policy comes later, or stands in a file', async () => {
    const late = stream(text(...lines), text(policyLine(policy)))
    expect(await replayed([late])).toMatchObject({ decisions: 30, skipped: 0 })
    const report = await replayed([stream(text(...lines)), file(text(policyLine(policy)))])
    expect(report).toMatchObject({ decisions: 30, skipped: 0 })
    expect(await replayed([stream(text(...lines))])).toMatchObject({ decisions: 0, skipped: 30 })
  })

  it('again where more lines lacked their policy than are kept, if it can be opened again', async () => {
    const many = text(...Array.from({ length: 400 }, () => lines).flat())
    const again = { ...stream(many, text(policyLine(policy))), repeatable: true } as LogInput
    expect(await replayed([again])).toMatchObject({ decisions: 12_000, skipped: 0 })
    const once = await replayed([stream(many, text(policyLine(policy)))])
    expect([once.decisions, once.skipped]).toEqual([10_000, 2_000])
  })

  it('without holding more than 64 MiB of lines for a policy', async () => {
    const padding = JSON.stringify({ padding: 'x'.repeat(7 * 1024 * 1024) }).slice(1, -1)
    const long = lines.slice(0, 12).map((line) => `${line.slice(0, -1)},${padding}}`)
    const report = await replayed([stream(text(...long), text(policyLine(policy)))])
    expect([report.decisions, report.skipped]).toEqual([9, 3])
  })

  it('up to where it breaks', async () => {
    const broken: LogInput = {
      name: 'pipe',
      repeatable: false,
      async *open() {
        yield Buffer.from(text(policyLine(policy), ...lines))
        throw new Error('read EIO')
      },
    }
    const report = await replayed([broken])
    expect(report).toMatchObject({ decisions: 30, faults: [{ file: 'pipe', message: 'read EIO' }] })
  })
})

describe('files are found', () => {
  it('by name, by glob in the order of names, and each once', () => {
    const [a, b] = [file('1'), file('2')]
    expect(findFiles([b, `${folder}/log-*.jsonl`]).slice(0, 1)).toEqual([b])
    const found = findFiles([`${folder}/log-*.jsonl`, a])
    expect(found).toEqual([...new Set(found)].sort())
    expect(found).toEqual(expect.arrayContaining([a, b]))
  })

  it('once, also where it has a link beside it', () => {
    const [path, other] = [file('1'), file('1')]
    symlinkSync(path, `${path}.symbolic`)
    linkSync(path, `${path}.hard`)
    expect(findFiles([`${path}*`, other])).toEqual([path, other])
  })

  it.each([
    ['a file that is not there', 'nowhere.jsonl', 'there is no file nowhere.jsonl'],
    ['a glob that matches nothing', 'nowhere-*.jsonl', 'no file matches nowhere-*.jsonl'],
  ])('but not %s', (_title, word, message) => {
    expect(() => findFiles([word])).toThrow(message)
  })

  it('and a folder is none', () => {
    expect(() => partsOf(folder, 0)).toThrow(`cannot read ${folder}`)
  })
})
