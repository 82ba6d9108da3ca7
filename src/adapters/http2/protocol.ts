/** Frame types (RFC 9113 section 6). */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

/** Flags; what they mean depends on the type. */
export const frameFlag = {
  none: 0,
  ack: 0x1,
  endStream: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const

/** Error codes (RFC 9113 section 7). */
export const errorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const

/** Octets of a frame header (section 4.1). */
export const frameHeaderBytes = 9

/**
 * Longest payload that is taken, and sent: the least and initial value of SETTINGS_MAX_FRAME_SIZE.
 * Envoy 1.40 never sends more, whatever is announced.
 */
export const maxFrameBytes = 16_384

/** Windows of a connection and its streams before anything is announced (section 6.9.2). */
export const initialWindowBytes = 65_535

/** Largest window, and largest stream id (sections 6.9.1 and 5.1.1). */
export const maxUint31 = 0x7fff_ffff
