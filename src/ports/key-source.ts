/** A public key as RFC 7517 writes it, not yet trusted to be well-formed. */
export type PublicJwk = Readonly<Record<string, unknown>>

/** Where the issuer publishes its keys. */
export interface KeySource {
  /** All keys published now; rejects (`KEYS_UNAVAILABLE`) where they cannot be read. */
  readonly load: () => Promise<readonly PublicJwk[]>
}
