/**
 * The HMAC-SHA-256 of a message under one key, 32 bytes that are valid until the next call. Of a text its
 * octets count, one for each character: for what is ASCII.
 */
export type Authenticate = (message: Uint8Array | string) => Uint8Array

/** Takes a key of any length. */
export type CreateAuthenticate = (key: Uint8Array) => Authenticate
