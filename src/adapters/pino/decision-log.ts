import { createDropAlarm } from '../../application/drop-alarm.ts'
import { plainLines, type LineFormat } from '../../domain/decision-line.ts'
import type { DecisionLogSink } from '../../ports/decision-log.ts'
import { createLineQueue } from './line-queue.ts'
import { createLogWriter } from './log-writer.ts'
import { assertWritable } from './open-sink.ts'

/** Bytes that may wait for the sink; beyond it lines are refused and counted. */
const maxQueuedBytes = 16 * 1024 * 1024
/** What is cut out of the middle of a log still replays if it is longer than this, in ms. */
const defaultPolicyEveryMs = 600_000
const defaultKeep = 5

/** How decision lines are written. */
export interface DecisionLogOptions {
  /** `stdout`, or the path of a file that is appended to. */
  readonly sink: string
  readonly format?: LineFormat
  /** A file of this size is moved to FILE.1 and begun anew, in bytes; undefined: it grows. */
  readonly maxBytes?: number | undefined
  /** Files that are kept beside the one that is written. */
  readonly keep?: number
  /** The policy in force is written again after so long, in ms. */
  readonly policyEveryMs?: number
  /** The time as RFC 3339 text. */
  readonly now: () => string
  /** Told for every decision whose line is lost. */
  readonly onDropped: () => void
  /** Told once when lines begin to be lost, and when that has ended. */
  readonly onLoss?: (loss: 'begun' | { readonly lines: number }) => void
  readonly onFault: (cause: unknown) => void
}

/**
 * Writes decisions as lines to a file or to standard output; nothing waits for it. While the sink is
 * broken lines are refused, not queued; what was taken before is tried again until it is written.
 * It writes by itself and not with pino's destination: that cannot begin a file with a line, nor go
 * on after a line that was written in part, and it falls silent for ever at the first broken pipe.
 * @throws AppError `CONFIG_INVALID` where the file cannot be opened.
 */
export function createDecisionLog(options: DecisionLogOptions): DecisionLogSink {
  const {
    format = plainLines,
    keep = defaultKeep,
    maxBytes,
    now,
    onDropped,
    onFault,
    sink,
  } = options
  if (sink !== 'stdout') assertWritable(sink)
  const queue = createLineQueue(maxQueuedBytes)
  const writer = createLogWriter({ queue, sink, maxBytes, keep, onFault })
  const alarm = createDropAlarm({
    monotonicNow: () => performance.now(),
    onBegin: () => options.onLoss?.('begun'),
    onEnd: (lines) => options.onLoss?.({ lines }),
  })
  let closed = false
  let writePolicy = (): void => undefined
  const again = setInterval(
    () => writePolicy(),
    options.policyEveryMs ?? defaultPolicyEveryMs,
  ).unref()
  return {
    decision(record) {
      const taken = !closed && !writer.isBroken() && queue.put(format.decision(record))
      if (taken) {
        alarm.taken()
        writer.nudge()
      } else {
        alarm.dropped()
        onDropped()
      }
      return taken
    },
    policy(version, definition) {
      writePolicy = () => {
        const record = { type: 'policy', timestamp: now(), policy: version, definition } as const
        queue.putPolicy(format.policy(record))
        writer.nudge()
      }
      writePolicy()
    },
    reopen: writer.reopen,
    usage: () => ({
      queuedBytes: queue.bytes(),
      writtenLines: writer.writtenLines(),
      droppedLines: alarm.total(),
      rotations: writer.rotations(),
    }),
    async close() {
      closed = true
      clearInterval(again)
      const lost = await writer.close()
      if (lost > 0) alarm.dropped(lost)
      for (let line = 0; line < lost; line += 1) onDropped()
    },
  }
}

/** Keeps nothing (`TENANTGATE_DECISION_LOG=off`). */
export const noDecisionLog: DecisionLogSink = {
  keepsNothing: true,
  decision: () => true,
  policy: () => undefined,
  reopen: () => undefined,
  usage: () => ({ queuedBytes: 0, writtenLines: 0, droppedLines: 0, rotations: 0 }),
  close: () => Promise.resolve(),
}
