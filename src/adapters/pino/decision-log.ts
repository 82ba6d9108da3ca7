import { closeSync, constants, existsSync, lstatSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { pino } from 'pino'
import { AppError } from '../../domain/errors.ts'
import type { DecisionLog } from '../../ports/decision-log.ts'

/** Bytes that may wait for the sink; beyond it lines are refused and counted. */
const maxQueuedBytes = 16 * 1024 * 1024
const flushEveryMs = 100
/** How long the last lines may take to be written at the end, in ms. */
const lastLinesMs = 2_000

/** How decision lines are written. */
export interface DecisionLogOptions {
  /** `stdout`, or the path of a file that is appended to. */
  readonly sink: string
  readonly now: () => string
  readonly onDropped: () => void
  readonly onFault: (cause: unknown) => void
}

/**
 * Writes decisions as JSON lines through pino's buffered destination; nothing waits for it. While
 * the sink is broken lines are refused, not queued; what was taken before is tried again until it
 * is written. Throws `CONFIG_INVALID` where the file cannot be opened.
 */
export function createDecisionLog(options: DecisionLogOptions): DecisionLog {
  const { sink } = options
  if (sink !== 'stdout') assertWritable(sink)
  const destination = pino.destination({
    ...(sink === 'stdout' ? { fd: 1 } : { dest: sink }),
    sync: false,
    minLength: 4096,
    periodicFlush: flushEveryMs,
    maxLength: maxQueuedBytes,
  })
  let broken = false
  let dropped = false
  /** The policy line that a broken sink still owes: without it the log does not replay. */
  let owed: string | undefined
  destination.on('drop', () => {
    dropped = true
  })
  destination.on('error', (cause: unknown) => {
    broken = true
    options.onFault(cause)
  })
  destination.on('write', () => {
    broken = false
    if (owed !== undefined && put(owed)) owed = undefined
  })

  /** Whether the destination took a line; it tells of a full queue before `write` returns. */
  function put(line: string): boolean {
    dropped = false
    destination.write(line)
    return !dropped
  }
  return {
    decision(record) {
      const taken = !broken && put(`${JSON.stringify(record)}\n`)
      if (!taken) options.onDropped()
      return taken
    },
    policy(version, definition) {
      const line = `${JSON.stringify({ type: 'policy', timestamp: options.now(), policy: version, definition })}\n`
      if (broken || !put(line)) owed = line
    },
    async close() {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      const timer = setTimeout(() => resolve(undefined), lastLinesMs)
      const done = (): void => resolve(undefined)
      destination.once('close', done)
      destination.once('error', done)
      destination.end()
      await promise
      clearTimeout(timer)
      destination.destroy()
    },
  }
}

/** Opens the file once, so that a log that can never be written is a fault at the start. */
function assertWritable(file: string): void {
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants
  try {
    makeFolder(dirname(file))
    closeSync(openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o640))
  } catch (cause) {
    // A pipe that nobody reads yet is no fault. A socket answers alike, and can never be opened.
    if ((cause as NodeJS.ErrnoException).code === 'ENXIO' && lstatSync(file).isFIFO()) return
    throw new AppError('CONFIG_INVALID', `TENANTGATE_DECISION_LOG: ${(cause as Error).message}`, {
      cause,
    })
  }
}

/** Makes a folder and those above it. Node's own `recursive` tries for ever below /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder)
  } catch (error) {
    if (!existsSync(folder)) throw error // else another instance was first
  }
}

/** Keeps nothing (`TENANTGATE_DECISION_LOG=off`). */
export const noDecisionLog: DecisionLog = {
  decision: () => true,
  policy: () => undefined,
  close: () => Promise.resolve(),
}
