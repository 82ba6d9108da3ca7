import { createReadStream } from 'node:fs'
import { createLineReplay, type LineReplay } from '../../application/replay-lines.ts'
import type { ReplayFilter } from '../../application/replay-filter.ts'
import type { ReplayPolicies } from '../../application/replay-policies.ts'
import { mergeTally, newTally } from '../../application/replay-tally.ts'
import type { Policy } from '../../domain/policy.ts'
import { partsOf, type LogPart } from './log-part.ts'
import { replayParts, type LogFault, type PartsReplay } from './replay-parts.ts'
import { replayStream, type LogStream, type StreamReplay } from './replay-stream.ts'

/** Where a log is: a file, or what can only be read from its beginning. */
export type LogInput = { readonly file: string } | Omit<LogStream, 'source'>

/** What is replayed, and how. */
export interface ReplayLogsOptions {
  /** In the order in which samples are taken. */
  readonly inputs: readonly LogInput[]
  /** Those known from elsewhere; what the logs hold is added. */
  readonly policies: ReplayPolicies
  readonly candidate: Policy | undefined
  readonly filter: ReplayFilter
  /** Replays lines in another way than on recorded facts; then in this thread alone. */
  readonly begin?: () => LineReplay
  /** Threads at most. */
  readonly threads: number
  /** Told how many bytes of how many in all were read of files. */
  readonly onProgress?: (bytes: number, of: number) => void
  readonly signal?: AbortSignal
}

/** Logs up to this size are replayed before another thread would have started. */
const smallBytes = 8 * 1024 * 1024

/** Replays logs: files on all threads, streams one after the other. */
export async function replayLogs(options: ReplayLogsOptions): Promise<PartsReplay> {
  const { begin, candidate, filter, inputs, policies, signal } = options
  const parts: LogPart[] = []
  const streams: LogStream[] = []
  for (const [source, input] of inputs.entries()) {
    const cut = 'file' in input && begin === undefined ? partsOf(input.file, source) : undefined
    if (cut !== undefined) parts.push(...cut)
    else streams.push('file' in input ? fileStream(input.file, source) : { ...input, source })
  }
  const faults: LogFault[] = []
  const tally = newTally()
  const read: StreamReplay[] = []
  for (const stream of streams) {
    signal?.throwIfAborted()
    const replay = await replayStream(stream, {
      policies,
      begin: begin ?? (() => createLineReplay({ policies, candidate, filter })),
    })
    if (replay.fault !== undefined) faults.push({ file: stream.name, message: replay.fault })
    read.push(replay)
  }
  const bytes = parts.reduce((sum, part) => sum + bytesOf(part), 0)
  let done = 0
  const replayed = await replayParts({
    parts,
    policies,
    candidate: candidate && [candidate.version, candidate.definition],
    filter,
    threads: bytes <= smallBytes ? 0 : options.threads,
    onRead(count) {
      done += count
      options.onProgress?.(done, bytes)
    },
    ...(signal && { signal }),
  })
  mergeTally(tally, replayed.tally)
  for (const one of read) mergeTally(tally, await one.settle())
  return { tally, faults: [...faults, ...replayed.faults] }
}

function bytesOf(part: LogPart): number {
  return part.kind === 'range' ? part.to - part.from : part.bytes
}

/** A file read from its beginning: one on today's facts, or a pipe, which ends with its reading. */
function fileStream(file: string, source: number): LogStream {
  const repeatable = partsOf(file, source) !== undefined
  return { name: file, source, repeatable, open: () => createReadStream(file) }
}
