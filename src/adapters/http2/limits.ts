/** What one server grants its peers. Times are in ms. */
export interface LeanLimits {
  /** Connections at once; more are closed as they come. */
  readonly maxConnections: number
  /** Streams of a connection that are open, or gone while their call is still worked on. */
  readonly maxConcurrentStreams: number
  /** Octets a stream may send ahead; at least 65,535, which peers use before they know. */
  readonly streamWindowBytes: number
  /** Octets a connection may send ahead: what piles up while the process is busy. */
  readonly connectionWindowBytes: number
  /** Octets of messages that a connection has sent in part. */
  readonly maxGatheredBytes: number
  /** Size of a decoded header list (RFC 9113 section 6.5.2); Envoy's default is 60 kB. */
  readonly maxHeaderListBytes: number
  /** Octets of a header block as it comes, and frames that it may take (CVE-2024-27316). */
  readonly maxHeaderBlockBytes: number
  readonly maxHeaderBlockFrames: number
  /**
   * Frames that bring no request nearer and were sent since the last answer: PING, SETTINGS, PRIORITY,
   * WINDOW_UPDATE, empty DATA, frames on closed streams, faults (CVE-2019-9511 to 9518,
   * CVE-2025-8671). `idleFramesPerSecond` are forgiven as time goes. RST_STREAM is not among them:
   * every client that aborts at the gateway is one, on a connection that all others share.
   */
  readonly maxIdleFrames: number
  readonly idleFramesPerSecond: number
  /** Octets of answers that wait for the peer's windows. */
  readonly maxQueuedBytes: number
  /** How often connections are looked after: the precision of all that follows. */
  readonly tickMs: number
  /** For the preface, for the acknowledgement of our SETTINGS, and for a header block. */
  readonly greetingMs: number
  readonly settingsMs: number
  readonly headerBlockMs: number
  /** From the head of a request to its end. */
  readonly requestMs: number
  /** From the answer's being unwanted to its being there; longer than any call may take. */
  readonly workMs: number
  /** Time in which nothing of what is to be sent gets away. */
  readonly stallMs: number
  /** Silence after which a PING asks whether the peer still lives, and time to answer it. */
  readonly keepaliveMs: number
  readonly keepaliveTimeoutMs: number
  /** Time without a stream after which a connection is closed. */
  readonly idleMs: number
  /** Between the first GOAWAY of a drain and the last, where its PING is not answered. */
  readonly goAwayMs: number
  /** Time to read what still comes after the last word, so that it is not lost in a TCP reset. */
  readonly lingerMs: number
}

export const defaultLimits: LeanLimits = {
  maxConnections: 16_384,
  maxConcurrentStreams: 4_096,
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 1024 * 1024,
  maxGatheredBytes: 4 * 1024 * 1024,
  maxHeaderListBytes: 128 * 1024,
  maxHeaderBlockBytes: 160 * 1024,
  maxHeaderBlockFrames: 128,
  maxIdleFrames: 1_000,
  idleFramesPerSecond: 100,
  maxQueuedBytes: 8 * 1024 * 1024,
  tickMs: 500,
  greetingMs: 10_000,
  settingsMs: 30_000,
  headerBlockMs: 10_000,
  requestMs: 30_000,
  workMs: 60_000,
  stallMs: 20_000,
  keepaliveMs: 120_000,
  keepaliveTimeoutMs: 20_000,
  idleMs: 3_600_000,
  goAwayMs: 1_000,
  lingerMs: 2_000,
}
