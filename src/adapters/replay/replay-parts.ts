import type { ReplayPolicies } from '../../application/replay-policies.ts'
import type { ReplayTally } from '../../application/replay-tally.ts'
import { mergeTally, newTally } from '../../application/replay-tally.ts'
import type { LogPart } from './log-part.ts'
import type { PartSettings, StatedPolicy } from './part-replay.ts'
import { replayHere, startThread, type OnRead, type ReplayThread } from './replay-thread.ts'

/** A file that could not be read to its end. */
export interface LogFault {
  readonly file: string
  readonly message: string
}

/** How parts are replayed. */
export interface ReplayPartsOptions extends PartSettings {
  readonly parts: readonly LogPart[]
  /** Those that are known; what the parts hold is added. */
  readonly policies: ReplayPolicies
  /** Threads at most; 0: none but this one, which does nothing else then. */
  readonly threads: number
  readonly onRead: OnRead
  /** Aborts the replay; it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** What came of the parts. */
export interface PartsReplay {
  readonly tally: ReplayTally
  readonly faults: readonly LogFault[]
}

/**
 * Replays parts of files on several threads. A part whose policy is not known yet is put off: the
 * line may stand in another one, before it or after it.
 */
export async function replayParts(options: ReplayPartsOptions): Promise<PartsReplay> {
  const { candidate, filter, onRead, parts, signal } = options
  const tally = newTally()
  const faults: LogFault[] = []
  const settings = { candidate, filter }
  const count = Math.min(options.threads, parts.length)
  const threads =
    count === 0
      ? [replayHere(settings, onRead)]
      : Array.from({ length: count }, () => startThread(settings, onRead))
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  aborted.catch(() => undefined)
  const abort = (): void => reject(signal?.reason as Error)
  signal?.addEventListener('abort', abort)
  try {
    signal?.throwIfAborted()
    const run = createRound(threads, options, faults)
    const all = async (): Promise<void> => {
      const putOff = await run(parts, false)
      await run(putOff, true)
      for (const thread of threads) mergeTally(tally, await thread.finish())
    }
    await Promise.race([all(), aborted])
    return { tally, faults }
  } finally {
    signal?.removeEventListener('abort', abort)
    await Promise.all(threads.map((thread) => thread.stop()))
  }
}

/** A file has many parts: what is wrong with it is said once. */
function noteFault(faults: LogFault[], fault: LogFault): void {
  const known = faults.some(({ file, message }) => file === fault.file && message === fault.message)
  if (!known) faults.push(fault)
}

/** Runs parts on whichever thread is free, and returns those that were put off. */
function createRound(
  threads: readonly ReplayThread[],
  { policies }: ReplayPartsOptions,
  faults: LogFault[],
) {
  /** How many policies each thread was told of, in the order in which they became known. */
  const told = new Map<ReplayThread, number>()
  return async (parts: readonly LogPart[], final: boolean): Promise<readonly LogPart[]> => {
    const putOff: LogPart[] = []
    const waiting = [...parts].reverse()
    await Promise.all(
      threads.map(async (thread) => {
        for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
          const known: readonly StatedPolicy[] = [...policies.definitions()]
          const news = known.slice(told.get(thread) ?? 0)
          told.set(thread, known.length)
          const { fault, found, missing } = await thread.run({ part, policies: news, final })
          for (const [version, definition] of found) policies.add(version, definition)
          if (missing.length > 0) putOff.push(part)
          else if (fault !== undefined) noteFault(faults, { file: part.file, message: fault })
        }
      }),
    )
    return putOff
  }
}
