import type { UnaryHandler } from '../../src/ports/unary-call.ts'
import { uint32 } from './http2-frames.ts'

const empty = new Uint8Array(0)
const maxSize = 100_000

export interface EchoMethods {
  readonly methods: ReadonlyMap<string, UnaryHandler>
  /** Calls of `Never` that were given up by those who asked. */
  readonly cancellations: () => number
  /** Calls of `Stuck` that are in work. */
  readonly stuck: () => number
  /** Answers those. */
  readonly release: () => void
}

export interface EchoHooks {
  readonly onClose?: () => void
  readonly onServing?: (serving: boolean) => void
}

/** The methods of `test.Echo`, on bytes, for tests of transports. */
export function createEchoMethods(hooks: EchoHooks = {}): EchoMethods {
  let cancellations = 0
  let waiting = 0
  const stuck = new Set<() => void>()

  const handlers: Record<string, UnaryHandler> = {
    /** What was sent. */
    Echo: (call, bytes, start, end) => call.reply(bytes.subarray(start, end), end - start),

    /** What was sent after the first four octets, so many ms later. */
    Late(call, bytes, start, end) {
      const rest = Uint8Array.from(bytes.subarray(start + 4, end))
      const timer = setTimeout(
        () => call.reply(rest, rest.length),
        Buffer.from(bytes.subarray(start, start + 4)).readUInt32BE(),
      )
      call.onCancelled = () => {
        clearTimeout(timer)
        call.reply(empty, 0)
      }
    },

    /** Nothing; it counts who gives up. */
    Never(call) {
      waiting += 1
      call.onCancelled = () => {
        waiting -= 1
        cancellations += 1
        call.reply(empty, 0)
      }
    },

    /** Nothing until it is released, also if nobody waits any more. */
    Stuck(call) {
      stuck.add(() => call.reply(empty, 0))
    },

    /** So many octets, up to 100,000. */
    Size(call, bytes, start, end) {
      const asked = end - start < 4 ? 0 : Buffer.from(bytes.subarray(start, end)).readUInt32BE()
      const length = Math.min(asked, maxSize)
      call.reply(new Uint8Array(length).fill(0x61), length)
    },

    Throw() {
      throw new Error('a bug of the handler')
    },

    /** How long the caller says it waits, as text. */
    Timeout(call) {
      const text = Buffer.from(String(call.timeoutMs))
      call.reply(text, text.length)
    },

    Cancellations: (call) => call.reply(uint32(cancellations), 4),

    /** Calls of `Never` that are not given up. */
    Waiting: (call) => call.reply(uint32(waiting), 4),

    Serving(call, bytes, start) {
      hooks.onServing?.(bytes[start] === 1)
      call.reply(empty, 0)
    },

    Close(call) {
      hooks.onClose?.()
      call.reply(empty, 0)
    },
  }
  return {
    methods: new Map(
      Object.entries(handlers).map(([name, handler]) => [`/test.Echo/${name}`, handler]),
    ),
    cancellations: () => cancellations,
    stuck: () => stuck.size,
    release() {
      for (const answer of stuck) answer()
      stuck.clear()
    },
  }
}
