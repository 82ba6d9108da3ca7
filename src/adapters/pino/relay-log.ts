import type { Readable } from 'node:stream'
import { plainLines, type LineFormat } from '../../domain/decision-line.ts'
import type { PolicyDefinition } from '../../domain/policy.ts'
import type { DecisionLogUsage } from '../../ports/decision-log.ts'
import type { Chunk } from './line-queue.ts'
import { createLogWriter } from './log-writer.ts'
import { assertWritable } from './open-sink.ts'

/** How lines that other processes made are written. */
export interface RelayLogOptions {
  /** `stdout`, or the path of a file that is appended to. */
  readonly sink: string
  readonly format?: LineFormat
  readonly maxBytes: number | undefined
  readonly keep: number
  /** The time as RFC 3339 text. */
  readonly now: () => string
  /** Told for every line that is lost. */
  readonly onDropped: (lines: number) => void
  /** The sink takes no lines any more, or does again. */
  readonly onBroken: (broken: boolean) => void
  readonly onFault: (cause: unknown) => void
}

/** A decision log whose lines come from other processes, whole, and which alone writes its sink. */
export interface RelayLog {
  /** Takes the lines of one process, until its end. */
  readonly take: (lines: Readable) => void
  readonly policy: (version: string, definition: PolicyDefinition) => void
  readonly reopen: () => void
  readonly usage: () => DecisionLogUsage
  readonly close: () => Promise<void>
}

/** Beyond so many bytes that wait nothing is read: lines wait in the processes that made them. */
const maxQueuedBytes = 8 * 1024 * 1024
/** No line is longer. */
const maxLineBytes = 4 * 1024 * 1024
const policyEveryMs = 600_000
const lookEveryMs = 20
const lineBreak = 0x0a

/**
 * Writes what several processes log to one sink. Only one process may: what two write to a pipe is
 * mixed within lines, and two cannot rotate one file.
 * @throws AppError `CONFIG_INVALID` where the file cannot be opened.
 */
export function createRelayLog(options: RelayLogOptions): RelayLog {
  const { format = plainLines, keep, maxBytes, now, onBroken, onDropped, onFault, sink } = options
  if (sink !== 'stdout') assertWritable(sink)
  const chunks: Chunk[] = []
  const halted = new Set<Readable>()
  let waitingBytes = 0
  let waitingLines = 0
  let dropped = 0
  let broken = false

  const writer = createLogWriter({
    ...{ sink, maxBytes, keep },
    onFault(cause) {
      onFault(cause)
      look()
    },
    queue: {
      isReady: () => chunks.length > 0,
      take: () => chunks.shift(),
      settle(chunk) {
        count(chunk, -1)
        if (waitingBytes > maxQueuedBytes / 2) return
        for (const lines of halted) lines.resume()
        halted.clear()
      },
      lines: () => waitingLines,
    },
  })
  let looking: NodeJS.Timeout | undefined
  let writePolicy = (): void => undefined
  const again = setInterval(() => writePolicy(), policyEveryMs).unref()

  /** Every fault is told; that it is over shows only by looking. */
  function look(): void {
    if (writer.isBroken() === broken) return
    broken = !broken
    if (broken) looking = setInterval(look, lookEveryMs).unref()
    else clearInterval(looking)
    onBroken(broken)
  }

  function count({ bytes, lines }: Chunk, sign: 1 | -1): void {
    waitingBytes += sign * bytes.length
    waitingLines += sign * lines
  }

  function put(chunk: Chunk): void {
    chunks.push(chunk)
    count(chunk, 1)
    writer.nudge()
  }

  function drop(lines: number): void {
    dropped += lines
    if (lines > 0) onDropped(lines)
  }

  return {
    take(lines) {
      let rest: Buffer = Buffer.alloc(0)
      lines.on('data', (bytes: Buffer) => {
        const end = bytes.lastIndexOf(lineBreak) + 1
        if (end === 0) rest = Buffer.concat([rest, bytes])
        else {
          const whole = bytes.subarray(0, end)
          const all = rest.length === 0 ? whole : Buffer.concat([rest, whole])
          put({ bytes: all, lines: linesIn(all), isPolicy: false })
          rest = end === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(end))
        }
        if (rest.length > maxLineBytes) {
          rest = Buffer.alloc(0)
          drop(1)
          onFault(new Error('a line of a worker does not end'))
        }
        if (waitingBytes <= maxQueuedBytes) return
        lines.pause()
        halted.add(lines)
      })
      // A process that was killed while it wrote: its last line is not whole, and is none.
      lines.on('end', () => drop(rest.length > 0 ? 1 : 0))
      lines.on('error', onFault)
      lines.on('close', () => halted.delete(lines))
    },
    policy(version, definition) {
      writePolicy = () => {
        const record = { type: 'policy', timestamp: now(), policy: version, definition } as const
        put({ bytes: Buffer.from(`${format.policy(record)}\n`), lines: 1, isPolicy: true })
      }
      writePolicy()
    },
    reopen: writer.reopen,
    usage: () => ({
      queuedBytes: waitingBytes,
      writtenLines: writer.writtenLines(),
      droppedLines: dropped,
      rotations: writer.rotations(),
    }),
    async close() {
      clearInterval(looking)
      clearInterval(again)
      drop(await writer.close())
    },
  }
}

function linesIn(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(lineBreak); at !== -1; at = bytes.indexOf(lineBreak, at + 1)) {
    lines += 1
  }
  return lines
}
