import type { UnaryCall } from '../../ports/unary-call.ts'
import type { Body } from './body.ts'
import type { Outgoing } from './outgoing.ts'

/** Takes a request once it is whole; like a `UnaryHandler`, with all that a stream can answer. */
export type MethodHandler = (stream: Stream, bytes: Uint8Array, start: number, end: number) => void

/** What a stream rests on: its connection. */
export interface StreamHome {
  /** Sends an answer of one message and status 0; drops it if the stream is gone. */
  readonly answer: (stream: Stream, bytes: Uint8Array, length: number) => void
  /** Sends a block of headers that ends the answer: a status other than 0. */
  readonly refuse: (stream: Stream, block: Uint8Array) => void
  /** Sends one message of several; the answer goes on. */
  readonly say: (stream: Stream, bytes: Uint8Array) => void
}

/**
 * A stream, and the call on it. A class, as one is made for each request: all have one shape. It is
 * never used again for another, so whoever keeps a call too long answers nobody, never a stranger.
 */
export class Stream implements UnaryCall {
  readonly id: number
  readonly home: StreamHome
  readonly timeoutMs: number
  onCancelled: (() => void) | undefined = undefined
  /** Who takes the message; null where none is taken, as the request is refused. */
  handler: MethodHandler | null = null
  /** The answer to a request that is no gRPC, sent at its end. */
  rejection: Rejection | null = null
  /** The peer's side is closed: "half-closed (remote)" (RFC 9113 section 5.1). */
  hasEnded = false
  /** The handler has the call, and it is not answered. */
  isInWork = false
  isAnswered = false
  /** Closed or reset while its call is in work. */
  isGone = false
  /** Octets of DATA that `content-length` still promises; negative: it is not known. */
  promisedBytes = -1
  /** A coding is named in `grpc-encoding`. */
  isEncoded = false
  /** What comes is longer than may be: it is not kept, and an empty message handed over. */
  isOverlong = false
  /** The message, if it comes in parts. */
  body: Body | null = null
  /** Octets the peer may still send, and those it was not yet given back. */
  receiveWindow: number
  unreturned = 0
  /** What WINDOW_UPDATE added to the peer's initial window, less what was sent. */
  sendDelta = 0
  /** What waits for the peer's window. */
  outgoing: Outgoing | null = null
  /** The head of the answer is sent. */
  hasHead = false
  /** When it began, by the server's coarse clock. */
  readonly bornMs: number

  // eslint-disable-next-line max-params -- an object for them would be one more a request
  constructor(
    home: StreamHome,
    id: number,
    timeoutMs: number,
    receiveWindow: number,
    bornMs: number,
  ) {
    this.home = home
    this.id = id
    this.timeoutMs = timeoutMs
    this.receiveWindow = receiveWindow
    this.bornMs = bornMs
  }

  reply(bytes: Uint8Array, length: number): void {
    if (this.isAnswered) return
    this.isAnswered = true
    // What lies behind the bytes in a buffer is another's answer.
    this.home.answer(this, bytes, Math.min(length, bytes.length))
  }

  /** Answers with a status other than 0. */
  refuse(block: Uint8Array): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.home.refuse(this, block)
  }

  /** Sends one message and leaves the answer open. */
  say(bytes: Uint8Array): void {
    if (!this.isAnswered) this.home.say(this, bytes)
  }
}

/** An answer of HTTP to what is no gRPC: a block of headers, and a body that may be empty. */
export interface Rejection {
  readonly head: Uint8Array
  readonly body: Uint8Array
}
