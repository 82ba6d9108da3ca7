import { write as writeToFile } from 'node:fs'
import { promisify } from 'node:util'
import type { Chunk } from './line-queue.ts'
import { closeSink, openSink, statOf, type OpenSink } from './open-sink.ts'
import { rotateFiles } from './rotate-files.ts'

/** How long after a reload lines of decisions that were begun before it may still come, in ms. */
const stragglersMs = 10_000
/** A file that could not be renewed is tried again after so long, in ms. */
const renewRetryMs = 1_000
const busyRetryMs = 20
const lineBreak = 0x0a
const write = promisify(writeToFile)

/** Where lines go: it opens, rotates and mends, and knows what has to stand at a file's head. */
export interface LogOutlet {
  /**
   * Writes a chunk whole. Where it rejects, it is called again with the same chunk and goes on where
   * it was: also then no line is lost, doubled or torn, but for one that an interruption has torn.
   */
  readonly write: (chunk: Chunk) => Promise<void>
  /** Does what is due without a chunk: opens the sink, begins a new file. */
  readonly prepare: () => Promise<void>
  readonly reopen: () => void
  readonly rotations: () => number
  readonly close: () => void
}

/** What an outlet rests on. */
export interface LogOutletDeps {
  /** `stdout` or a file. */
  readonly sink: string
  /** A file does not grow beyond it, in bytes; undefined: it does. */
  readonly maxBytes: number | undefined
  /** Files kept beside the one that is written. */
  readonly keep: number
  /** Monotonic clock, in ms. */
  readonly monotonicNow: () => number
  /** Waits; rejects when it is no longer worth it. */
  readonly pause: (ms: number) => Promise<void>
  /** Told of what does not keep lines from being written. */
  readonly onFault: (cause: unknown) => void
}

/** Bytes that are being written, and how far that is. */
interface Piece {
  bytes: Buffer
  done: number
  at: OpenSink | undefined
}
const pieceOf = (bytes: Buffer): Piece => ({ bytes, done: 0, at: undefined })

/** Makes an outlet; nothing is opened yet. */
export function createLogOutlet(deps: LogOutletDeps): LogOutlet {
  const { keep, maxBytes, monotonicNow, sink } = deps
  let current: OpenSink | undefined
  let heading: Piece | undefined
  let body: { readonly chunk: Chunk; readonly piece: Piece } | undefined
  /** The size at which a file holds no decision yet. */
  let bareSize = 0
  let policy = Buffer.alloc(0)
  let formerPolicy = policy
  let replacedAtMs = -Infinity
  let reopenDue = false
  let notBeforeMs = -Infinity
  let rotations = 0

  async function prepare(chunk?: Chunk): Promise<void> {
    if (current === undefined) begin(await openPatiently(), chunk)
    else if (monotonicNow() >= notBeforeMs && (reopenDue || (await isFull(current, chunk)))) {
      await renew(current, chunk)
    }
    if (heading === undefined || current === undefined) return
    await put(heading, current)
    heading = undefined
  }

  /** A pipe is opened when somebody reads it; until then lines wait as they do for a slow reader. */
  async function openPatiently(): Promise<OpenSink> {
    for (;;) {
      try {
        return await openSink(sink)
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENXIO') throw cause
        await deps.pause(busyRetryMs)
      }
    }
  }

  function begin(opened: OpenSink, chunk: Chunk | undefined): void {
    const isRecent = monotonicNow() - replacedAtMs < stragglersMs
    const head = [
      ...(opened.isBroken ? [Buffer.from('\n')] : []),
      ...(isRecent ? [formerPolicy] : []),
      ...(chunk?.isPolicy === true ? [] : [policy]),
    ]
    const bytes = Buffer.concat(head)
    heading = bytes.length > 0 ? pieceOf(bytes) : undefined
    bareSize = opened.size === 0 ? bytes.length : 0
    current = opened
  }

  /** Goes on in a new file, or in the old one where that cannot be had. */
  async function renew(old: OpenSink, chunk: Chunk | undefined): Promise<void> {
    try {
      if (!reopenDue) await rotateFiles(sink, old.fd, keep)
      const opened = await openSink(sink)
      closeSink(old.fd)
      reopenDue = false
      rotations += 1
      begin(opened, chunk)
    } catch (cause) {
      notBeforeMs = monotonicNow() + renewRetryMs
      deps.onFault(cause)
    }
  }

  async function isFull(open: OpenSink, chunk: Chunk | undefined): Promise<boolean> {
    if (maxBytes === undefined || sink === 'stdout' || !open.isFile || chunk === undefined) {
      return false
    }
    const isOver = (): boolean =>
      open.size > bareSize && open.size + chunk.bytes.length > maxBytes && heading === undefined
    if (!isOver()) return false
    open.size = (await statOf(open.fd)).size // somebody may have truncated it
    return isOver()
  }

  async function put(piece: Piece, to: OpenSink): Promise<void> {
    if (piece.done > 0 && !(await goesOn(piece, to))) restart(piece, to)
    piece.at = to
    while (piece.done < piece.bytes.length) {
      const written = await writeSome(to.fd, piece)
      piece.done += written
      to.size += written
    }
  }

  /** Whether the end of the file is where an earlier try stopped. A pipe cannot tell. */
  async function goesOn({ at }: Piece, to: OpenSink): Promise<boolean> {
    return at === to && to.isFile && (await statOf(to.fd)).size === to.size
  }

  /** Begins again with the line that was torn, and ends its torn beginning where that is here. */
  function restart(piece: Piece, to: OpenSink): void {
    const lineStart = piece.bytes.lastIndexOf(lineBreak, piece.done - 1) + 1
    const isTorn = lineStart < piece.done && piece.at === to
    const rest = piece.bytes.subarray(lineStart)
    piece.bytes = isTorn ? Buffer.concat([Buffer.from('\n'), rest]) : rest
    piece.done = 0
  }

  async function writeSome(fd: number, { bytes, done }: Piece): Promise<number> {
    for (;;) {
      try {
        return (await write(fd, bytes, done, bytes.length - done)).bytesWritten
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException
        if (code !== 'EAGAIN' && code !== 'EBUSY') throw cause
        await deps.pause(busyRetryMs) // a pipe whose reader is slow
      }
    }
  }

  return {
    prepare,
    async write(chunk) {
      await prepare(chunk)
      if (body?.chunk !== chunk) body = { chunk, piece: pieceOf(chunk.bytes) }
      if (current !== undefined) await put(body.piece, current)
      body = undefined
      if (!chunk.isPolicy) return
      if (policy.length > 0) {
        formerPolicy = policy
        replacedAtMs = monotonicNow()
      }
      policy = Buffer.from(chunk.bytes)
    },
    reopen() {
      reopenDue = true
      notBeforeMs = -Infinity
    },
    rotations: () => rotations,
    close() {
      if (current !== undefined) closeSink(current.fd)
      current = undefined
    },
  }
}
