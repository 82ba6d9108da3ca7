import { AppError } from '../../domain/errors.ts'
import type { PolicyDefinition } from '../../domain/policy.ts'
import { readRecord, type LogLine } from '../../domain/read-record.ts'
import type { DecisionRecord } from '../../domain/record.ts'
import type {
  DecisionHistory,
  FoundDecision,
  HistoryPage,
  HistoryQuery,
  LogPlace,
} from '../../ports/decision-history.ts'
import { LogShrank, openLogFiles, type LogFile } from './log-files.ts'
import { readBackward } from './read-backward.ts'
import { noTimeLeft, seekLog, type LogPosition } from './seek-log.ts'

/** How a decision log's file is read. */
export interface DecisionHistoryOptions {
  readonly file: string
  /** Bytes that a call reads at most, apart from one last chunk. */
  readonly maxBytes: number
}

/** Lines this far from the order of time are still found. */
const slackMs = 5_000
/** Where a file's own policies stand: so many lines of it, and so many bytes. */
const headLines = 3
const maxPolicyBytes = 2 * 1024 * 1024
/** What a page holds but for its last line, in bytes: it is written out in one turn. */
const maxPageBytes = 4 * 1024 * 1024

/** Reads a decision log from its end, also beyond a rotation by renaming or by `copytruncate`. */
export function createDecisionHistory(options: DecisionHistoryOptions): DecisionHistory {
  const { file } = options
  return {
    page: (query, signal) => inFiles(file, (files) => page(files, query, signal)),
    find: (id, signal) => inFiles(file, (files) => find(files, id, signal)),
  }

  async function page(
    files: readonly LogFile[],
    query: HistoryQuery,
    signal: AbortSignal,
  ): Promise<HistoryPage> {
    const { limit, matches } = query
    const oldestMs = query.since === undefined ? -Infinity : Date.parse(query.since) - slackMs
    const records: DecisionRecord[] = []
    let bytes = 0
    for await (const { at, length, line } of walk(
      files,
      await begin(files, query, signal),
      signal,
    )) {
      if (line === 'enough') return { records, next: await placeOf(files, at) }
      if (line.kind !== 'decision') continue
      const { record } = line
      if (Date.parse(record.timestamp) < oldestMs) return { records, next: null }
      if (!matches(record)) continue
      records.push(record)
      bytes += length
      if (records.length === limit || bytes >= maxPageBytes)
        return { records, next: await placeOf(files, at) }
    }
    return { records, next: null }
  }

  async function find(
    files: readonly LogFile[],
    id: string,
    signal: AbortSignal,
  ): Promise<FoundDecision | undefined> {
    const madeMs = timeOfUuidV7(id)
    let found: { readonly record: DecisionRecord; readonly index: number } | undefined
    for await (const { at, line } of walk(files, await seekLog(files, madeMs, signal), signal)) {
      if (line === 'enough' || (found !== undefined && at.index !== found.index)) break
      if (line.kind === 'policy' && line.version === found?.record.policy) {
        return { record: found.record, definition: line.definition }
      }
      if (line.kind !== 'decision' || found !== undefined) continue
      const { record } = line
      if (record.decision_id === id) found = { record, index: at.index }
      else if (Date.parse(record.timestamp) < madeMs - slackMs) break
    }
    if (found === undefined) return undefined
    return { record: found.record, definition: await firstPolicy(files[found.index], found.record) }
  }

  /** Lines from a position towards the oldest; `enough` once so many bytes were read. */
  async function* walk(
    files: readonly LogFile[],
    { from, index: first }: LogPosition,
    signal: AbortSignal,
  ): AsyncGenerator<{
    readonly at: LogPosition
    readonly line: LogLine | 'enough'
    /** How long it is, in characters. */
    readonly length: number
  }> {
    let left = options.maxBytes
    for (const [index, one] of files.entries()) {
      if (index < first) continue
      for await (const { begin, bytes, lines } of readBackward(
        one,
        index === first ? from : one.size,
      )) {
        if (signal.aborted) throw noTimeLeft()
        for (const { offset, text } of lines) {
          yield { at: { index, from: offset }, line: lineOf(text), length: text.length }
        }
        left -= bytes
        const reached = lines.at(-1)?.offset ?? begin
        if (left <= 0) yield { at: { index, from: reached }, line: 'enough', length: 0 }
      }
    }
  }

  /**
   * Every file of a log begins with the policy in force, and with the one before where that was
   * replaced a moment ago; a file that was torn, with an empty line.
   */
  async function firstPolicy(
    one: LogFile | undefined,
    { policy }: DecisionRecord,
  ): Promise<PolicyDefinition | undefined> {
    if (one === undefined) return undefined
    const bytes = await one.read(0, Math.min(maxPolicyBytes, one.size))
    let from = 0
    for (let number = 0; number < headLines; number += 1) {
      const end = bytes.indexOf(0x0a, from)
      if (end === -1) return undefined
      const line = lineOf(bytes.toString('utf8', from, end))
      if (line.kind === 'policy' && line.version === policy) return line.definition
      from = end + 1
    }
    return undefined
  }
}

function lineOf(text: string): LogLine {
  try {
    return readRecord(JSON.parse(text))
  } catch {
    return { kind: 'broken' } // cut off by a crash, or of another program
  }
}

/** Where a query begins; rejects where the place that it goes on from is gone. */
async function begin(
  files: readonly LogFile[],
  { before, until }: HistoryQuery,
  signal: AbortSignal,
): Promise<LogPosition> {
  if (before === null) {
    return until === undefined
      ? { index: 0, from: files[0]?.size ?? 0 }
      : seekLog(files, Date.parse(until), signal)
  }
  for (const [index, file] of files.entries()) {
    if ((await file.print(before.offset)) === before.print) return { index, from: before.offset }
  }
  throw new AppError('INPUT_INVALID', 'the log no longer holds the place that the cursor names')
}

async function placeOf(
  files: readonly LogFile[],
  { from, index }: LogPosition,
): Promise<LogPlace | null> {
  const print = await files[index]?.print(from)
  return print === undefined ? null : { offset: from, print }
}

/** Opens a log's files for some work, and once more where one was cut meanwhile. */
async function inFiles<T>(
  file: string,
  work: (files: readonly LogFile[]) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const { close, files } = await openLogFiles(file)
    try {
      return await work(files)
    } catch (cause) {
      if (!(cause instanceof LogShrank)) throw cause
      if (attempt === 3) throw new AppError('SERVER_UNAVAILABLE', 'the log shrinks', { cause })
    } finally {
      await close()
    }
  }
}

/** The moment that a UUIDv7 was made at (RFC 9562 section 5.7), in ms. */
function timeOfUuidV7(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
}
