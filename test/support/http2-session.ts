import { BufferPool } from '../../src/adapters/http2/buffer-pool.ts'
import { createHealth, type Health } from '../../src/adapters/http2/health.ts'
import { defaultLimits, type LeanLimits } from '../../src/adapters/http2/limits.ts'
import { frameFlag, frameType } from '../../src/adapters/http2/protocol.ts'
import { Session, type SessionSocket } from '../../src/adapters/http2/session.ts'
import type { MethodHandler } from '../../src/adapters/http2/stream.ts'
import type { BurstSource } from '../../src/ports/burst.ts'
import { createEchoMethods, type EchoMethods } from './http2-echo-methods.ts'
import { createReferenceDecoder, type HeaderField } from './hpack-reference.ts'
import {
  prefaceOctets,
  settingsAck,
  settingsOf,
  takeFrames,
  type ReceivedFrame,
} from './http2-frames.ts'

/** What a socket was told; what is written goes nowhere. */
export interface FakeSocket extends SessionSocket {
  /** Octets that the kernel does not take yet; what is written while it is more than 0 is added. */
  backlog: number
  isEnded: boolean
  isDestroyed: boolean
  isPaused: boolean
}

export interface TestSession extends EchoMethods {
  readonly session: Session
  readonly socket: FakeSocket
  readonly health: Health
  readonly faults: readonly unknown[]
  /** Gives it what was read; the buffer is overwritten afterwards, as the next read would. */
  readonly send: (...octets: readonly Uint8Array[]) => void
  /** Frames that were written since this was asked last. */
  readonly take: () => ReceivedFrame[]
  /** The same in short: `RST_STREAM 1 code 5`. */
  readonly said: () => string[]
  /** Moves the clock, and looks after the session. */
  readonly pass: (ms: number) => void
}

export interface TestSessionOptions {
  readonly limits?: Partial<LeanLimits>
  readonly methods?: ReadonlyMap<string, MethodHandler>
  readonly maxMessageBytes?: number
  readonly burst?: BurstSource
  /** The client's SETTINGS; `null`: it has not said anything. */
  readonly settings?: Readonly<Record<number, number>> | null
}

/** A session without a socket: what is sent is judged at once, and all it says can be seen. */
export function openSession(options: TestSessionOptions = {}): TestSession {
  const { burst, limits, methods = new Map(), maxMessageBytes = 100_000, settings = {} } = options
  const faults: unknown[] = []
  const echo = createEchoMethods()
  const health = createHealth(['', 'test.Echo'])
  const all = new Map([...echo.methods, ...health.methods, ...methods])
  const clock = { nowMs: 0 }
  let written: Buffer = Buffer.alloc(0)
  const socket: FakeSocket = {
    backlog: 0,
    isEnded: false,
    isDestroyed: false,
    isPaused: false,
    write(bytes) {
      written = Buffer.concat([written, bytes])
      if (socket.backlog > 0) socket.backlog += bytes.length
      return socket.backlog < 65_536
    },
    get writableLength() {
      return socket.backlog
    },
    end: () => (socket.isEnded = true),
    destroy: () => (socket.isDestroyed = true),
    pause: () => (socket.isPaused = true),
    resume: () => (socket.isPaused = false),
  }
  const session = new Session(socket, {
    limits: { ...defaultLimits, ...limits },
    ...{ maxMessageBytes, burst },
    methods: all,
    knownPaths: [...all.keys()],
    chunks: new BufferPool(65_536, 2),
    frames: new BufferPool(16_393, 2),
    clock,
    onFault: (cause) => faults.push(cause),
  })
  const readBuffer = Buffer.alloc(65_536)
  const { decode } = createReferenceDecoder()

  function send(...octets: readonly Uint8Array[]): void {
    const all = Buffer.concat(octets)
    for (let at = 0; at < all.length; at += readBuffer.length) {
      const length = all.copy(readBuffer, 0, at, at + readBuffer.length)
      session.read(readBuffer, length)
      readBuffer.fill(0xff)
    }
  }
  function take(): ReceivedFrame[] {
    const frames: ReceivedFrame[] = []
    written = takeFrames(written, (frame) => frames.push(frame))
    return frames
  }
  if (settings !== null) {
    send(prefaceOctets, settingsOf(settings), settingsAck)
    take()
  }
  return {
    ...echo,
    ...{ session, socket, health, faults, send, take },
    said: () => take().map((frame) => inShort(frame, decode)),
    pass(ms) {
      clock.nowMs += ms
      session.tick(clock.nowMs)
    },
  }
}

function inShort(
  { type, streamId, flags, payload }: ReceivedFrame,
  decode: (block: Uint8Array) => HeaderField[],
): string {
  const ends = (flags & frameFlag.endStream) !== 0 ? ' end' : ''
  const ack = (flags & frameFlag.ack) !== 0 ? ' ack' : ''
  switch (type) {
    case frameType.headers:
      return `HEADERS ${streamId} ${statusIn(decode(payload))}${ends}`
    case frameType.data:
      return `DATA ${streamId} ${payload.length}${ends}`
    case frameType.rstStream:
      return `RST_STREAM ${streamId} code ${payload.readUInt32BE()}`
    case frameType.goAway:
      return `GOAWAY last ${payload.readUInt32BE()} code ${payload.readUInt32BE(4)}`
    case frameType.windowUpdate:
      return `WINDOW_UPDATE ${streamId} ${payload.readUInt32BE()}`
    case frameType.settings:
      return `SETTINGS${ack}`
    case frameType.ping:
      return `PING${ack} ${payload.toString('latin1')}`
    default:
      return `type ${type}`
  }
}

function statusIn(fields: readonly HeaderField[]): string {
  const of = (wanted: string): string | undefined => fields.find(([name]) => name === wanted)?.[1]
  const grpc = of('grpc-status')
  return [of(':status'), grpc === undefined ? undefined : `grpc ${grpc}`].filter(Boolean).join(' ')
}
