/** A request as the enforcement point describes it, before anything of it is believed. */
export interface AccessRequest {
  readonly method: string
  readonly host: string
  /** The raw request target: path and query, not decoded. */
  readonly path: string
  /**
   * The value of a header by its lower-case name, absent when it was not sent. Repeated headers
   * are joined with a comma (RFC 9110 section 5.3), which every reader here refuses.
   */
  readonly header: (name: string) => string | undefined
  /** `context_extensions` of the gateway's route: set by its operator, never by a client. */
  readonly extensions: ReadonlyMap<string, string>
  /** What the `authorization` header was recognised as, by whoever read the request. */
  readonly recognised?: RecognisedCredential | undefined
}

/** A credential that came before. What it is worth only the memory knows that recognised it. */
export interface RecognisedCredential {
  /** What the header carries, exactly. */
  readonly text: string
}
