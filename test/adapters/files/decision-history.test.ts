import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  linkSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createDecisionHistory } from '../../../src/adapters/files/decision-history.ts'
import { opaLines, plainLines } from '../../../src/domain/decision-line.ts'
import type { DecisionRecord } from '../../../src/domain/record.ts'
import type { DecisionHistory, LogPlace } from '../../../src/ports/decision-history.ts'
import { adminPolicy } from '../../support/admin-api.ts'
import { nowMs } from '../../support/builders.ts'
import { decisionId, recordedDecision } from '../../support/decision-records.ts'
import { testFolder } from '../../support/folder.ts'

const secondMs = 1_000
const record = (number: number) => recordedDecision(number, { atMs: nowMs + number * secondMs })
const policyLine = (number: number) =>
  plainLines.policy({
    type: 'policy',
    timestamp: new Date(nowMs + number * secondMs).toISOString(),
    policy: adminPolicy.version,
    definition: adminPolicy.definition,
  })
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)
const linesOf = (from: number, to: number) =>
  [policyLine(from), ...range(from, to).map((n) => plainLines.decision(record(n)))]
    .map((line) => `${line}\n`)
    .join('')
const down = (from: number, to: number) => range(to, from).reverse()

const never = new AbortController().signal
const everything = () => true
const numbers = (records: readonly DecisionRecord[]) =>
  records.map(({ decision_id }) => Number.parseInt(decision_id.slice(-12), 16))

function log(maxBytes = 10_000_000) {
  const file = join(testFolder(), 'decisions.log')
  const history = createDecisionHistory({ file, maxBytes })
  return { file, history, ...readerOf(history) }
}

function readerOf(history: DecisionHistory) {
  const page = (before: LogPlace | null, limit = 10, matches = everything, rest = {}) =>
    history.page({ before, limit, matches, ...rest }, never)
  async function all(before: LogPlace | null, limit = 10, matches = everything, rest = {}) {
    const told: number[] = []
    let pages = 0
    for (let place = before; ; pages += 1) {
      const { next, records } = await page(place, limit, matches, pages === 0 ? rest : { ...rest })
      told.push(...numbers(records))
      if (next === null) return { told, pages: pages + 1 }
      place = next
    }
  }
  return { page, all }
}

describe('a log that is read from its end', () => {
  it.each([1, 7, 100, 500])('is told whole, each decision once, in pages of %i', async (limit) => {
    const { all, file } = log()
    writeFileSync(file, linesOf(0, 450))
    expect((await all(null, limit)).told).toEqual(down(450, 0))
  })

  it('goes on in the rotated files, also where one of them is missing right now', async () => {
    const { all, file } = log()
    writeFileSync(`${file}.3`, linesOf(0, 50))
    writeFileSync(`${file}.1`, linesOf(50, 80))
    writeFileSync(file, linesOf(80, 100))
    expect((await all(null)).told).toEqual(down(100, 0))
    renameSync(file, `${file}.2`)
    expect((await all(null, 500)).told).toHaveLength(100)
  })

  it('tells a file that has two names for a moment once', async () => {
    const { all, file } = log()
    writeFileSync(file, linesOf(50, 80))
    linkSync(file, `${file}.1`)
    writeFileSync(`${file}.2`, linesOf(0, 50))
    expect((await all(null)).told).toEqual(down(80, 0))
  })

  it('is empty where there is no file, or nothing in it', async () => {
    const { all, file } = log()
    expect(await all(null)).toEqual({ told: [], pages: 1 })
    writeFileSync(file, '')
    expect(await all(null)).toEqual({ told: [], pages: 1 })
  })

  it('passes over what is no decision: a cut line, another program, a line of 3 MB', async () => {
    const { all, file } = log()
    const strange = [
      '',
      '{',
      '[]',
      'null',
      '\xff\xfe',
      '{"type":"decision"}',
      'x'.repeat(3_000_000),
    ]
    writeFileSync(file, linesOf(0, 20) + `${strange.join('\n')}\n` + linesOf(20, 40))
    appendFileSync(file, plainLines.decision(record(40)).slice(0, 200)) // being written right now
    expect((await all(null, 3)).told).toEqual(down(40, 0))
  })

  it('reads events of OPA', async () => {
    const { all, file } = log()
    const opa = opaLines({ app: 'tenantgate', id: 'i', version: '1' })
    writeFileSync(
      file,
      range(0, 20)
        .map((n) => `${opa.decision(record(n))}\n`)
        .join(''),
    )
    expect((await all(null)).told).toEqual(down(20, 0))
  })

  it('reads a bounded part at once, and is gone on with from there', async () => {
    const { all, file, page } = log(200_000)
    writeFileSync(file, linesOf(0, 3_000))
    const none = await page(null, 10, () => false)
    expect([none.records, none.next === null]).toEqual([[], false])
    const isRare = (one: DecisionRecord) =>
      Number.parseInt(one.decision_id.slice(-12), 16) % 900 === 0
    const { pages, told } = await all(null, 10, isRare as typeof everything)
    expect(told).toEqual([2700, 1800, 900, 0])
    expect(pages).toBeGreaterThan(5)
  })
})

describe('a place in a log', () => {
  const rotations: readonly (readonly [string, (file: string) => void])[] = [
    ['more lines', () => undefined],
    [
      'a rotation by renaming',
      (file) => {
        renameSync(file, `${file}.1`)
        writeFileSync(file, linesOf(200, 230))
      },
    ],
    [
      'two rotations',
      (file) => {
        renameSync(file, `${file}.2`)
        writeFileSync(`${file}.1`, linesOf(200, 230))
        writeFileSync(file, linesOf(230, 260))
      },
    ],
    [
      'a copytruncate',
      (file) => {
        copyFileSync(file, `${file}.1`)
        truncateSync(file)
        appendFileSync(file, linesOf(200, 420)) // longer than it was, so that the place is in it
      },
    ],
  ]

  it.each(rotations)('holds after %s', async (_name, rotate) => {
    const { all, file, page } = log()
    writeFileSync(file, linesOf(0, 200))
    const { next, records } = await page(null, 60)
    rotate(file)
    appendFileSync(file, linesOf(500, 510))
    expect(numbers(records)).toEqual(down(200, 140))
    expect((await all(next)).told).toEqual(down(140, 0))
  })

  it('that the log no longer holds, or never held, is refused', async () => {
    const { file, page } = log()
    writeFileSync(file, linesOf(0, 50))
    const { next } = await page(null, 10)
    const refused = { code: 'INPUT_INVALID' }
    await expect(page({ offset: 5, print: '00' })).rejects.toMatchObject(refused)
    await expect(page({ offset: 1e12, print: next?.print ?? '' })).rejects.toMatchObject(refused)
    await expect(
      page({ offset: (next?.offset ?? 0) + 1, print: next?.print ?? '' }),
    ).rejects.toMatchObject(refused)
    writeFileSync(file, linesOf(100, 200))
    await expect(page(next)).rejects.toMatchObject(refused)
  })
})

describe('a range of time', () => {
  it('is found without reading what is later or earlier', async () => {
    const { file, history } = log(1_500_000)
    // Some 8 MB, so that what is read of it cannot be all.
    writeFileSync(`${file}.1`, linesOf(0, 6_000))
    writeFileSync(file, linesOf(6_000, 12_000))
    const at = (number: number) => new Date(nowMs + number * secondMs).toISOString()
    const of = async (since: number, until: number) => {
      const within = (one: DecisionRecord) =>
        one.timestamp >= at(since) && one.timestamp < at(until)
      const query = {
        before: null,
        limit: 500,
        matches: within,
        since: at(since),
        until: at(until),
      }
      const { next, records } = await history.page(query, never)
      return [numbers(records), next]
    }
    for (const from of [0, 1, 1_500, 5_990, 5_999, 6_000, 6_005, 11_000, 11_980]) {
      expect(await of(from, from + 20)).toEqual([down(from + 20, from), null])
    }
    expect(await of(20_000, 30_000)).toEqual([[], null])
  })
})

describe('a decision by its id', () => {
  it('is found wherever it stands, with the policy that made it', async () => {
    const { file, history } = log(1_500_000)
    writeFileSync(`${file}.1`, linesOf(0, 6_000))
    writeFileSync(file, linesOf(6_000, 12_000))
    for (const number of [0, 3_333, 5_999, 6_000, 11_999]) {
      const { decision_id } = record(number)
      const found = await history.find(decision_id, never)
      expect(found?.record.decision_id).toBe(decision_id)
      expect(found?.definition).toEqual(adminPolicy.definition)
    }
  })

  it('is found with its policy where a file begins with that of a moment ago as well', async () => {
    const { file, history } = log(200_000)
    const [former = '', ...rest] = linesOf(0, 3_000).split(/(?<=\n)/)
    const torn = `\n${former.replaceAll(adminPolicy.version, 'sha256:0000000000000000')}${former}`
    writeFileSync(file, torn + rest.join(''))
    const found = await history.find(record(2_999).decision_id, never)
    expect(found?.definition).toEqual(adminPolicy.definition)
  })

  it('is not found where it is not, however much there is to read', async () => {
    const { file, history } = log(1_500_000)
    writeFileSync(file, linesOf(0, 6_000))
    for (const id of [decisionId(99_999, nowMs + 3_000 * secondMs), decisionId(1, 0)]) {
      expect(await history.find(id, never)).toBeUndefined()
    }
    expect(await history.find(decisionId(1, 2 ** 48 - 1), never)).toBeUndefined()
  })

  it('comes without a policy where the log holds none of that version', async () => {
    const { file, history } = log()
    writeFileSync(file, `${plainLines.decision(record(1))}\n`)
    const found = await history.find(record(1).decision_id, never)
    expect([found?.record.decision_id, found?.definition]).toEqual([
      record(1).decision_id,
      undefined,
    ])
  })
})

it('what is no file is not waited for', async () => {
  const { file, page } = log()
  execFileSync('mkfifo', [file])
  expect(await page(null)).toEqual({ records: [], next: null })
})

it('a log that cannot be read is a fault, and no time left is another', async () => {
  const { file, history } = log()
  writeFileSync(file, linesOf(0, 10))
  const query = { before: null, limit: 10, matches: everything }
  await expect(history.page(query, AbortSignal.abort())).rejects.toMatchObject({
    code: 'SERVER_UNAVAILABLE',
  })
  const elsewhere = createDecisionHistory({ file: join(file, 'decisions.log'), maxBytes: 1e6 })
  await expect(elsewhere.page(query, never)).rejects.toMatchObject({ code: 'SERVER_UNAVAILABLE' })
})

it('a log without decisions for long is not read beyond its time', async () => {
  const { file, history } = log()
  writeFileSync(file, linesOf(0, 3))
  truncateSync(file, 16 * 1024 ** 3) // a hole: nothing of it is on the disk
  const until = new Date(nowMs).toISOString()
  const query = { before: null, limit: 1, matches: everything, until }
  const beginMs = performance.now()
  await expect(history.page(query, AbortSignal.timeout(100))).rejects.toMatchObject({
    code: 'SERVER_UNAVAILABLE',
  })
  const id = decisionId(1, nowMs)
  await expect(history.find(id, AbortSignal.timeout(100))).rejects.toMatchObject({
    code: 'SERVER_UNAVAILABLE',
  })
  expect(performance.now() - beginMs).toBeLessThan(5_000)
})
