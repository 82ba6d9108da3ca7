import { BufferPool } from '../../src/adapters/http2/buffer-pool.ts'
import { createHealth } from '../../src/adapters/http2/health.ts'
import { defaultLimits, type LeanLimits } from '../../src/adapters/http2/limits.ts'
import { frameFlag, frameType } from '../../src/adapters/http2/protocol.ts'
import { Session, type SessionSocket } from '../../src/adapters/http2/session.ts'
import { createEchoMethods, type EchoMethods } from './http2-echo-methods.ts'
import { createReferenceDecoder } from './hpack-reference.ts'
import { takeFrames, type ReceivedFrame } from './http2-frames.ts'
import { createGrantedWindows } from './http2-granted-windows.ts'

/** A pool that overwrites what it gets back, and says if it gets something twice. */
class SuspiciousPool extends BufferPool {
  readonly #given = new Set<Buffer>()

  override take(): Buffer {
    const buffer = super.take()
    this.#given.delete(buffer)
    return buffer
  }

  override give(buffer: Buffer): void {
    if (this.#given.has(buffer)) throw new Error('a buffer was given back twice')
    this.#given.add(buffer)
    buffer.fill(0xee)
    super.give(buffer)
  }
}

/** What came on a stream. */
export interface Answered {
  data: Buffer
  ended: boolean
  reset: boolean
}

/** A session on a socket that is held up now and then, and whatever it says is checked. */
export interface FuzzSession extends EchoMethods {
  readonly session: Session
  readonly answers: ReadonlyMap<number, Answered>
  readonly isClosed: () => boolean
  /** Gives it what was read; the buffer is overwritten afterwards. */
  readonly read: (octets: Uint8Array) => void
  /** The kernel takes nothing any more, or all again. */
  readonly holdUp: () => void
  readonly letGo: () => void
  readonly pass: (ms: number) => void
  /** Throws if anything is not as it must be now. */
  readonly check: () => void
  /** The socket is closed, and all calls are answered: throws if anything is left. */
  readonly end: () => void
}

const congestion = 65_536

function isOverdue(cause: unknown): boolean {
  return cause instanceof Error && cause.message === 'a call that was cancelled was never answered'
}

/**
 * Opens one; it throws where the session says or does something that it must not. Windows are watched
 * where what it reads is `framed`.
 */
export function openFuzzSession(limits: Partial<LeanLimits>, framed: boolean): FuzzSession {
  const windows = framed ? createGrantedWindows() : undefined
  const all = { ...defaultLimits, ...limits }
  const faults: unknown[] = []
  const echo = createEchoMethods()
  const { methods } = createHealth(['', 'test.Echo'])
  const clock = { nowMs: 0 }
  const answers = new Map<number, Answered>()
  const { decode } = createReferenceDecoder()
  /** What the socket holds, with what it was when it was written. */
  let held: { readonly lent: Buffer; readonly copy: Buffer }[] = []
  let isHeldUp = false
  let isClosed = false
  let rest: Buffer = Buffer.alloc(0)

  const socket: SessionSocket = {
    write(lent) {
      if (isClosed) throw new Error('a write after the end')
      held.push({ lent, copy: Buffer.from(lent) })
      if (!isHeldUp) take()
      return socket.writableLength < congestion
    },
    get writableLength() {
      return held.reduce((sum, { lent }) => sum + lent.length, 0)
    },
    end: () => (isClosed = true),
    destroy: () => (isClosed = true),
    pause: () => undefined,
    resume: () => undefined,
  }
  /** The kernel takes everything. */
  function take(): void {
    const taken = held
    held = []
    for (const { copy, lent } of taken) {
      if (!copy.equals(lent)) throw new Error('what the socket still had to write was overwritten')
      rest = takeFrames(Buffer.concat([rest, copy]), onFrame)
    }
  }

  function onFrame(frame: ReceivedFrame): void {
    const { flags, payload, streamId, type } = frame
    const what = `type ${type} on ${streamId}`
    if (payload.length > 16_384) throw new Error(`${what} is too long`)
    const isOfStream = type === frameType.headers || type === frameType.data
    if (isOfStream && streamId % 2 === 0) throw new Error(`${what}: no stream of a client`)
    if (isOfStream || type === frameType.rstStream) onStreamFrame(frame)
    const isKnown = [0, 1, 3, 4, 6, 7, 8].includes(type)
    if (!isKnown) throw new Error(`${what} must not be sent`)
    if (type === frameType.headers && (flags & frameFlag.endHeaders) === 0) {
      throw new Error(`${what} without its end`)
    }
  }

  function onStreamFrame({ flags, payload, streamId, type }: ReceivedFrame): void {
    const seen = answers.get(streamId) ?? { data: Buffer.alloc(0), ended: false, reset: false }
    answers.set(streamId, seen)
    if (type === frameType.rstStream) {
      seen.reset = true
      return
    }
    if (seen.ended || seen.reset) throw new Error(`type ${type} on ${streamId} after its end`)
    if (type === frameType.data) windows?.sent(streamId, payload.length)
    if (type === frameType.headers) decode(payload)
    else seen.data = Buffer.concat([seen.data, payload])
    seen.ended = (flags & frameFlag.endStream) !== 0
  }

  const session = new Session(socket, {
    limits: all,
    maxMessageBytes: 20_000,
    methods: new Map([...echo.methods, ...methods]),
    knownPaths: [...echo.methods.keys(), ...methods.keys()],
    chunks: new SuspiciousPool(65_536, 2),
    frames: new SuspiciousPool(16_393, 2),
    clock,
    // Calls are left unanswered here for as long as it takes to be told so.
    onFault(cause) {
      if (!isOverdue(cause)) faults.push(cause)
    },
  })
  const readBuffer = Buffer.alloc(65_536)

  function check(): void {
    const { activeStreams, bodies, sender } = session.connection
    if (faults.length > 0) throw new Error('a fault', { cause: faults[0] })
    if (activeStreams > all.maxConcurrentStreams) throw new Error(`${activeStreams} streams`)
    if (bodies.left < 0 || bodies.left > all.maxGatheredBytes) {
      throw new Error(`${bodies.left} octets are left for bodies`)
    }
    if (sender.queued < 0) throw new Error(`${sender.queued} octets are queued`)
  }

  return {
    ...echo,
    ...{ session, answers, check },
    isClosed: () => isClosed,
    read(octets) {
      windows?.fed(octets)
      for (let at = 0; at < octets.length; at += readBuffer.length) {
        const part = octets.subarray(at, at + readBuffer.length)
        readBuffer.set(part)
        session.read(readBuffer, part.length)
        readBuffer.fill(0xdd)
      }
      check()
    },
    holdUp: () => (isHeldUp = true),
    letGo() {
      isHeldUp = false
      take()
      if (!isClosed) session.drained()
    },
    pass(ms) {
      clock.nowMs += ms
      session.tick(clock.nowMs)
      check()
    },
    check,
    end() {
      take()
      isClosed = true
      session.lost()
      echo.release()
      check()
      const { bodies, gone, sender, streams } = session.connection
      const left = [streams.size, gone.size, sender.queued, all.maxGatheredBytes - bodies.left]
      if (left.some((count) => count !== 0)) {
        throw new Error(`streams, work, queue and bodies are left: ${left.join(', ')}`)
      }
    },
  }
}
