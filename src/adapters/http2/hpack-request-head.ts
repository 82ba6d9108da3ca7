/** What of a request's header block this server needs. One is filled again and again. */
export interface RequestHead {
  method: 'POST' | 'HEAD' | 'other'
  /** `:path`; for those that are known always the same string, others are made for the purpose. */
  path: string
  /** `application/grpc`, also with a suffix or parameters. */
  contentTypeIsGrpc: boolean
  teTrailers: boolean
  /** `grpc-timeout`, in ms; Infinity if absent, NaN if it is not one, or there are several. */
  timeoutMs: number
  /** `grpc-encoding`; empty if absent. */
  encoding: string
  /** -1 if absent. */
  contentLength: number
  /** Whether the block is malformed as a request's (RFC 9113 sections 8.2 and 8.3): a stream error. */
  malformed: boolean
  /** The same for a block that comes as trailers (section 8.1), which hold no pseudo-headers. */
  malformedAsTrailers: boolean
  /** Octets of the decoded list, with 32 a field (section 6.5.2). */
  listSize: number
}

/** Makes one, as of a block without any field. */
export function createRequestHead(): RequestHead {
  return {
    method: 'other',
    path: '',
    contentTypeIsGrpc: false,
    teTrailers: false,
    timeoutMs: Infinity,
    encoding: '',
    contentLength: -1,
    malformed: true,
    malformedAsTrailers: false,
    listSize: 0,
  }
}
