import { messageOf } from '../../application/faults.ts'
import type { LineReplay } from '../../application/replay-lines.ts'
import type { ReplayPolicies } from '../../application/replay-policies.ts'
import type { LinePlace } from '../../application/replay-samples.ts'
import type { ReplayTally } from '../../application/replay-tally.ts'
import { AppError } from '../../domain/errors.ts'
import { compressionOf, decompressed } from './archive.ts'
import { createLineSplitter } from './line-splitter.ts'

/** Lines that come one after the other, from a pipe or a server. */
export interface LogStream {
  readonly name: string
  /** The number of the stream among all that is replayed. */
  readonly source: number
  readonly open: () => AsyncIterable<Buffer>
  /** Whether it can be opened again. */
  readonly repeatable: boolean
}

/** A stream that was read to its end. */
export interface StreamReplay {
  /** Why it was not, where it was not. */
  readonly fault: string | undefined
  /** Replays what lacked its policy, now that all are known, and tells what was counted. */
  readonly settle: () => Promise<ReplayTally>
}

/** Lines that are kept until their policy comes, and their bytes. */
const maxHeld = 10_000
const maxHeldBytes = 64 * 1024 * 1024
/** Bytes of the beginning that tell how a stream is compressed. */
const headBytes = 4

interface Held {
  readonly value: unknown
  readonly place: LinePlace
  readonly bytes: number
}

/** Replays a stream in this thread; memory does not grow with it. */
export async function replayStream(
  stream: LogStream,
  deps: { readonly policies: ReplayPolicies; readonly begin: () => LineReplay },
): Promise<StreamReplay> {
  const { policies } = deps
  let replay = deps.begin()
  let held: Held[] = []
  let heldBytes = 0
  /** Versions of lines that were one too many to hold. */
  const lost = new Map<string, number>()

  function take(line: Held): void {
    const known = policies.definitions().size
    const missing = replay.line(line.value, line.place)
    if (missing !== undefined) {
      if (held.length < maxHeld && heldBytes + line.bytes <= maxHeldBytes) hold(line)
      else lost.set(missing, (lost.get(missing) ?? 0) + 1)
    } else if (policies.definitions().size > known) release()
  }
  function hold(line: Held): void {
    held.push(line)
    heldBytes += line.bytes
  }
  function takeHeld(): readonly Held[] {
    const waiting = held
    held = []
    heldBytes = 0
    return waiting
  }
  /** Takes what is held; what lacks its policy goes on to be held. */
  function release(): void {
    for (const line of takeHeld()) {
      if (replay.line(line.value, line.place) !== undefined) hold(line)
    }
  }
  async function read(): Promise<string | undefined> {
    const splitter = createLineSplitter({
      value: (value, at, bytes) => take({ value, bytes, place: { source: stream.source, at } }),
      broken: () => replay.broken(),
    })
    let fault: string | undefined
    try {
      for await (const chunk of plain(stream.open())) {
        splitter.push(chunk)
        await replay.flush()
      }
    } catch (cause) {
      if (cause instanceof AppError) throw cause
      fault = messageOf(cause)
    }
    splitter.end()
    await replay.flush()
    return fault
  }
  return {
    fault: await read(),
    async settle() {
      const isBack = [...lost.keys()].some((version) => policies.get(version) !== undefined)
      if (isBack && stream.repeatable) {
        replay = deps.begin()
        takeHeld()
        lost.clear()
        await read()
      }
      for (const { place, value } of takeHeld()) {
        const missing = replay.line(value, place)
        if (missing !== undefined) replay.withoutPolicy(missing)
      }
      for (const [version, count] of lost) {
        for (let index = 0; index < count; index++) replay.withoutPolicy(version)
      }
      await replay.flush()
      return replay.tally
    },
  }
}

/** The bytes of a stream, decompressed where its beginning says that it is compressed. */
async function* plain(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = chunks[Symbol.asyncIterator]()
  let head = Buffer.alloc(0)
  let ended = false
  while (head.length < headBytes && !ended) {
    const next = await iterator.next()
    if (next.done === true) ended = true
    else head = Buffer.concat([head, next.value])
  }
  async function* whole(): AsyncGenerator<Buffer> {
    yield head
    if (!ended) yield* { [Symbol.asyncIterator]: () => iterator }
  }
  const kind = compressionOf(head)
  if (kind === undefined) yield* whole()
  else yield* decompressed(whole(), kind)
}
