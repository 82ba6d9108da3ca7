import { AppError } from '../../domain/errors.ts'
import type { LogFile } from './log-files.ts'

/** Where to begin reading backwards, so that nothing up to a moment is left out. */
export interface LogPosition {
  readonly index: number
  readonly from: number
}

const probeBytes = 64 * 1024
/** Lines of one moment may stand this far apart: several processes write in turns. */
const slackBytes = 256 * 1024
const slackMs = 5_000
/** Characters from the beginning of a record to its time, at most. */
const longestTime = 200
/** A policy line may stand there from long before; a record begins like this, also within an event. */
const decisionTime = /"type":"decision","decision_id":"[^"\\]{1,100}","timestamp":"([^"\\]{20,35})"/

/**
 * Finds the place of a moment in files that are roughly in order of time, the newest first. Where
 * no decision stands for long, much is read: the signal ends that.
 */
export async function seekLog(
  files: readonly LogFile[],
  atMs: number,
  signal?: AbortSignal,
): Promise<LogPosition> {
  const soughtMs = atMs + slackMs
  for (const [index, file] of files.entries()) {
    const begunMs = await timeFrom(file, 0, signal)
    const isLast = index === files.length - 1
    if (begunMs !== undefined && begunMs > soughtMs && !isLast) continue
    if (begunMs === undefined && !isLast) continue
    return { index, from: await bisect(file, soughtMs, signal) }
  }
  return { index: 0, from: 0 }
}

/** Of files, the newest first, those that may hold what was written from a moment on. */
export async function filesSince(
  files: readonly LogFile[],
  sinceMs: number,
): Promise<readonly LogFile[]> {
  const since: LogFile[] = []
  for (const file of files) {
    since.push(file)
    const begunMs = await timeFrom(file, 0)
    if (begunMs !== undefined && begunMs < sinceMs - slackMs) break
  }
  return since
}

/** Reading back took too long. */
export function noTimeLeft(): AppError {
  return new AppError('SERVER_UNAVAILABLE', 'no time is left to read')
}

/** The first offset whose lines are known to be later, and as much again as they may be mixed. */
async function bisect(
  file: LogFile,
  soughtMs: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let low = 0
  let high = file.size
  while (high - low > probeBytes) {
    const middle = Math.floor((low + high) / 2)
    const ms = await timeFrom(file, middle, signal)
    if (ms === undefined || ms > soughtMs) high = middle
    else low = middle
  }
  return Math.min(file.size, high + slackBytes)
}

/** When the first decision was made that stands from an offset on. */
async function timeFrom(
  file: LogFile,
  offset: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  let rest = ''
  for (let at = offset; at < file.size; at += probeBytes) {
    if (signal?.aborted === true) throw noTimeLeft()
    const bytes = await file.read(at, Math.min(probeBytes, file.size - at))
    const text = rest + bytes.toString('latin1')
    const ms = Date.parse(decisionTime.exec(text)?.[1] ?? '')
    if (!Number.isNaN(ms)) return ms
    rest = text.slice(-longestTime)
  }
  return undefined
}
