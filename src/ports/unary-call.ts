/** A unary call as a transport hands it over. Nothing of it waits: it is answered at once, or kept. */
export interface UnaryCall {
  /** How long the caller waits from now, in ms; Infinity where it did not say (`grpc-timeout`). */
  readonly timeoutMs: number
  /**
   * Answers, once, with the first `length` bytes, which are copied before it returns. It never
   * throws, and does nothing once the caller went away.
   */
  readonly reply: (bytes: Uint8Array, length: number) => void
  /**
   * Called once if the caller gives up before it is answered; for those who keep the call. It is to be
   * replied to all the same, as that says that its work is done: until then it counts as a stream.
   */
  onCancelled: (() => void) | undefined
}

/**
 * Takes a call and its message, `bytes[start..end)`, which is valid only until it returns. A message
 * longer than the transport takes arrives as an empty one.
 */
export type UnaryHandler = (call: UnaryCall, bytes: Uint8Array, start: number, end: number) => void
